// -> cli 441910000003
function main(vars) {
  var list = ['441910000003', '441910000003'];
  vars.routing.cli = list[Math.floor(Math.random() * list.length)];
  return vars;
}
