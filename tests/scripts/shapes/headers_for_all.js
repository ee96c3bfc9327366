// -> headers X-Way, X-Brand
function main(data) {
  data.remove_headers = [{ key: 'X-Old' }];
  data.headers = [{ key: 'X-Brand', value: data.brand }];
  data.egress_routing[0].headers.push({ key: 'X-Way', value: 1 }, { key: 'X-Old', value: 'gone' });
  return data;
}
