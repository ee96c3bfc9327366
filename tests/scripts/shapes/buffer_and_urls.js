// -> variables {"texts":["dXNlcjpwYXNz","user:pass","https://example.com/a?b=1+2","3"]}
function main(data) {
  const url = new URL('../a', 'https://example.com/x/y');
  url.searchParams.set('b', '1 2');
  const query = new URLSearchParams('?c=3&c=4');
  const encoded = Buffer.from('user:pass').toString('base64');
  data.variables.texts = [encoded, Buffer.from(encoded, 'base64').toString(), `${url}`, query.get('c')];
  return data;
}
