// -> failed: time_zone_by_intl.js:3:20: ReferenceError: Intl is not defined (dates and numbers are formatted by toFixed, padStart and Date's own methods here)
function main(data) {
  const hour = new Intl.DateTimeFormat('en-GB', { timeZone: 'America/New_York', hour: 'numeric' }).format(new Date());
  if (hour < 9) throw new Error('480 Closed');
  return data;
}
