// -> 403 Prefix Not Allowed
const blocked = [/^4419/, /^\+?7/];
export default async function main(data) {
  if (blocked.some((one) => one.test(data.routing.cli))) throw new Error('403 Prefix Not Allowed');
  return data;
}
