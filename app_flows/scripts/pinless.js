// Calls without a PIN: whoever calls from a number on a customer's whitelist calls as that customer.
//
//   ringflow operator add scripts@example.com --role viewer --no-password
//   ringflow did add 18005550100 calling_card --identify none --script pinless
//
// The API user may be another one: --script-vars '{"user": "me@example.com"}'.

const cxRest = require('cxRest');
const cxHelper = require('cxHelper');

async function main(data) {
  const api = cxRest.auth(data.vars.user ?? 'scripts@example.com');
  const [known] = await api.get('cli', { cli: data.routing.cli });
  if (!known) throw new Error('401 CLI Not Authorized');
  for (const header of data.routing.egress_routing[0].headers) {
    if (header.key === 'X-Customer-ID') header.value = known.company_id;
    if (header.key === 'X-CX-Sec')
      header.value = cxHelper.generatePbxSecurityKey(known.company_id, data.routing.server);
  }
  return data;
}
