// -> failed: user_space_table.js:2:27: there is no module `cxUserspace` (there are no tables of scripts' own; use require('cxKV'))
const userspace = require('cxUserspace');
function main(data) {
  return userspace.read('dnc', data.routing.dest_number).then(row => (row ? Promise.reject([604, 'On List']) : data));
}
