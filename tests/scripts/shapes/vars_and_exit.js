// -> cli 441910000006
function main() {
  var data = vars();
  data.routing.cli = '441910000006';
  exit(data);
}
