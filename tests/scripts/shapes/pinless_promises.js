// -> customer 42
var rest = require('cxRest');
var helper = require('cxHelper');

module.exports.main = function (data) {
  return rest.auth('scripts@example.com').get('cli', { cli: data.routing.cli }).then(function (rows) {
    if (rows.length === 0) return Promise.reject(new Error('401 CLI Not Authorized'));
    var id = rows[0].company_id;
    data.routing.egress_routing.map(function (way) {
      way.headers = [
        { key: 'X-Customer-ID', value: id },
        { key: 'X-CX-Sec', value: helper.generatePbxSecurityKey(id, data.routing.server) }
      ];
    });
    return data;
  });
};
