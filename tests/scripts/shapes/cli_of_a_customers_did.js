// -> cli 18005550142
const api = require('cxRest').auth('scripts@example.com');
async function main() {
  const numbers = (await api.get('did', { customer_id: 42 })).map(row => row.did);
  vars.routing.cli = numbers[Math.floor(Math.random() * numbers.length)];
  vars.routing.egress_routing.forEach(way => Object.keys(way.gw).forEach(id => { way.gw[id].cli = vars.routing.cli; }));
  return vars;
}
