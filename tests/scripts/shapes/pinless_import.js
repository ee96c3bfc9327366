// -> customer 42
import cxRest from 'cxRest';
import { generatePbxSecurityKey } from 'cxHelper';

const api = cxRest(process.env.CX_API_USER);

export async function main(data) {
  const [row] = await api.get('cli', { cli: data.routing.cli });
  if (row === undefined) throw new Error('401 CLI Not Authorized');
  for (const { headers } of data.routing.egress_routing) {
    for (const header of headers) {
      if (header.key === 'X-Customer-ID') header.value = row.company_id;
      if (header.key === 'X-CX-Sec') header.value = generatePbxSecurityKey(row.company_id, data.routing.server);
    }
  }
  return data;
}
