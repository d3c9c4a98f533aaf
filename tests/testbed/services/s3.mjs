// The S3 server: s3rver, which lets everyone do everything, behind a door that lets in only those with a URL that was
// signed (AWS Signature Version 4 in the query) for this method, path and time.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';

const { D, P_S3 } = process.env;
const S3rver = createRequire(`${D}/node/package.json`)('s3rver');
const KEYS = { S3RVER: 'S3RVER' };

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function sameText(a, b) {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function canonicalRequest(request, url, signedHeaders) {
  const signed = [...url.searchParams].filter(([name]) => name !== 'X-Amz-Signature');
  const query = signed.map((pair) => pair.map(encode).join('=')).sort();
  const headers = signedHeaders.split(';').map((name) => `${name}:${(request.headers[name] ?? '').trim()}\n`);
  return [request.method, url.pathname, query.join('&'), headers.join(''), signedHeaders, 'UNSIGNED-PAYLOAD'].join('\n');
}

// -> the S3 error code for those who stay outside, or null
function refusal(request, url) {
  const given = (name) => url.searchParams.get(`X-Amz-${name}`) ?? '';
  if (given('Algorithm') !== 'AWS4-HMAC-SHA256' || !given('Signature')) return 'AccessDenied';
  const [user, ...scope] = given('Credential').split('/');            // day, region, service, aws4_request
  if (!Object.hasOwn(KEYS, user)) return 'InvalidAccessKeyId';
  const [, year, month, day, h, m, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(given('Date')) ?? [];
  const end = Date.UTC(year, month - 1, day, h, m, s) + 1000 * Number(given('Expires'));
  if (!(Date.now() < end)) return 'AccessDenied';
  const key = scope.reduce(hmac, `AWS4${KEYS[user]}`);
  const digest = sha256(canonicalRequest(request, url, given('SignedHeaders')));
  const text = ['AWS4-HMAC-SHA256', given('Date'), scope.join('/'), digest];
  return sameText(hmac(key, text.join('\n')).toString('hex'), given('Signature')) ? null : 'SignatureDoesNotMatch';
}

const s3rver = new S3rver({
  directory: `${D}/storage/s3`, silent: true, vhostBuckets: false, configureBuckets: [{ name: 'rucio' }],
});
await s3rver.configureBuckets();
const serve = s3rver.callback();

const tls = { key: readFileSync(`${D}/certs/host.key.pem`), cert: readFileSync(`${D}/certs/host.pem`) };
https.createServer(tls, (request, response) => {          // https, since Rucio signs for nothing else
  const url = new URL(request.url, 'https://localhost');
  const code = refusal(request, url);
  const { range = '-', 'x-rucio-auth-token': token = '-', authorization = '-' } = request.headers;
  console.log(`${request.method} ${url.pathname} ${code ?? 'signed'} range="${range}" token=${token} auth="${authorization}"`);
  if (code) {
    response.writeHead(403, { 'Content-Type': 'application/xml' });
    response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`);
    return;
  }
  request.url = url.pathname;                             // s3rver would only stumble over the signature
  serve(request, response);
}).listen(Number(P_S3), '127.0.0.1');
