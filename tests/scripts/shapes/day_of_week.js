// -> nothing changed
function main(data) {
  const day = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][new Date().getUTCDay()];
  console.info(`${day} ${new Date().toISOString().slice(11, 16)}`);
  if (day === 'never') throw new Error('480 Closed');
  return data;
}
