// -> cli 441910000002
function main(data) {
  data.routing.cli = '441910000002';
  return data;
}
