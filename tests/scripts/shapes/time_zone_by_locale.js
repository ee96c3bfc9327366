// -> failed: time_zone_by_locale.js:3:36: toLocaleString: there is no Intl here, so the option timeZone has no effect;
function main(data) {
  const here = new Date(new Date().toLocaleString('en-US', { timeZone: 'America/New_York' }));
  if (here.getHours() < 9) throw new Error('480 Closed');
  return data;
}
