// -> app other
export const main = async (data) => ({ ...data, did: { ...data.did, app: 'other' } });
