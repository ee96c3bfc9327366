// -> 402 Top Up
const { auth } = require('cxRest');
async function main(data) {
  const balance = await auth('scripts@example.com').get('balance', { company_id: 42 });
  if (balance.credit + balance.debit_limit < 1) throw new Error('402 Top Up');
  return data;
}
