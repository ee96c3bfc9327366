// -> failed: api_lookup.js:3:10: ReferenceError: api is not defined (write `const api = require('cxRest').auth(user)`)
function main(data) {
  return api.lookup.asrplus(data.routing.dest_number).then(found => {
    if (found.status === 'Invalid') return Promise.reject([604, 'Number not Found']);
    return data;
  });
}
