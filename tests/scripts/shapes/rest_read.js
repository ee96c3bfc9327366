// -> variables {"name":"Ann","currency":"USD"}
const cxRest = require('cxRest');
const rest = cxRest.auth('scripts@example.com');
async function main(data) {
  const one = await rest.read('customer', 42);
  const same = await rest.get('customer/42');
  if (one.name !== same.name) throw new Error('500 Two Customers');
  data.variables = { name: one.name, currency: one.currency };
  return data;
}
