export { environmentName, findOutside, findSecret, type SecretFinding, type SecretPlaces } from './find.js';
export { openSecret, SealBroken, sealSecret } from './seal.js';
export { openSecretBucket, type SecretBucket } from './secret-bucket.js';
export { StoredSecrets } from './stored-secrets.js';
