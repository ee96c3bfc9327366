// -> nothing changed
async function main(data) {
  console.log('call from', data.routing.cli, 'to', data.routing.dest_number);
}
