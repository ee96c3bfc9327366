// -> failed: rest_unknown_user.js:4:13: cxRest: there is no API user api@yourdomain.com; make it with `ringflow operator add`, without a password, with the role it needs
const api = require('cxRest').auth('api@yourdomain.com');
async function main(data) {
  await api.get('customer');
  return data;
}
