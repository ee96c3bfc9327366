// -> customer 42
const rest = require('cxRest')
const helper = require('cxHelper')

async function main(data) {
	const known = await rest.auth('scripts@example.com').get('cli', { cli: data.routing.cli })
	if (!known.length) throw new Error('401 CLI Not Authorized')
	data.routing.egress_routing.forEach(way => {
		const customer = way.headers.find(header => header.key === 'X-Customer-ID')
		customer.value = known[0].company_id
		const key = way.headers.find(header => header.key === 'X-CX-Sec')
		key.value = helper.generatePbxSecurityKey(known[0].company_id, data.routing.server)
	})
	return data
}
