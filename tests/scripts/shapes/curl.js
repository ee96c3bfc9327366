// -> variables {"city":"Leeds"}
const cxCurl = require('cxCurl');
async function main(data) {
  const { status, data: found } = await cxCurl.get(data.vars.service + '/lookup');
  if (status === 200) data.variables.city = found.city;
  return data;
}
