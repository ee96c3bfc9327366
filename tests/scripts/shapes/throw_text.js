// -> 603 Declined
async function main(data) {
  if (data.routing.cli.startsWith('44')) throw '603 Declined';
  return data;
}
