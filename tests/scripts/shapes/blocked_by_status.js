// -> 403 Customer inactive
import auth from 'cxRest';
export async function main(data) {
  const customer = await auth(process.env.CX_API_USER).get('customer', 7);
  if (customer.status !== 'active') throw new Error(`403 Customer ${customer.status}`);
  return data;
}
