// -> headers X-Signature
const crypto = require('crypto');
function main(data) {
  const value = crypto.createHmac('sha256', data.vars.secret).update(`${data.call.id}.${data.routing.cli}`).digest('base64');
  data.routing.egress_routing[0].headers.push({ key: 'X-Signature', value });
  return data;
}
