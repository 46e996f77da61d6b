#!/bin/sh
# Makes the certificates that the tests of tls/ need, beside those in sim/scenarios/pki: good ones of
# other kinds, and one for each way to be wrong. Tests take the date 2026-09-21. Written files are
# kept in the repository, since RSA keys take a while and since old dates need `openssl ca`.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

conf() # the extensions of the next certificate, a line each
{
	cat > "$work/conf" <<END
[ca]
default_ca = it
[it]
dir = $work
database = $work/index
serial = $work/serial
new_certs_dir = $work
default_md = ${md:-sha256}
policy = any
unique_subject = no
[any]
countryName = optional
stateOrProvinceName = optional
organizationName = optional
commonName = optional
[req]
distinguished_name = dn
string_mask = utf8only
utf8 = yes
[dn]
[ext]
$1
END
}

key() # name, then arguments of genpkey; none: P-256
{
	name=$1
	shift
	[ $# -gt 0 ] || set -- -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	openssl genpkey "$@" -out "$name.key" 2> /dev/null
}

# name, subject, issuer (- for itself), extensions, then -startdate and -enddate if not 2020..2120
sign()
{
	name=$1 subject=$2 issuer=$3
	conf "$4"
	shift 4
	[ $# -gt 0 ] || set -- -startdate 20200101000000Z -enddate 21200101000000Z
	if [ "$issuer" = - ]; then
		set -- "$@" -selfsign -keyfile "$name.key"
	else
		set -- "$@" -cert "$issuer.pem" -keyfile "$issuer.key"
	fi
	openssl req -new -config "$work/conf" -key "$name.key" -subj "$subject" -out "$work/$name.csr"
	openssl ca -batch -notext -config "$work/conf" -extensions ext -in "$work/$name.csr" \
		-out "$work/$name.pem" "$@" 2> "$work/log" || { cat "$work/log"; exit 1; }
	cp "$work/$name.pem" "$name.pem"
}

: > "$work/index"
echo 1000 > "$work/serial"
is_ca='basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign'
example='subjectAltName = DNS:example.com'

key root; sign root "/CN=Test root" - "$is_ca"
key seed -algorithm RSA -pkeyopt rsa_keygen_bits:2048
sign seed "/C=IN/ST=Karnataka/O=Lab/CN=example.com" - 'basicConstraints = critical, CA:TRUE'
key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
sign rsa "/CN=rsa" root "$example"
key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
sign p384 "/CN=p384" root "$example"
key expired; sign expired "/CN=expired" root "$example" -startdate 20100101000000Z -enddate 20150101000000Z
key future; sign future "/CN=future" root "$example" -startdate 21100101000000Z -enddate 21200101000000Z
key wrong; sign wrong "/CN=wrong" root 'subjectAltName = DNS:wrong.org, DNS:www.wrong.org'
key ip; sign ip "/CN=ip" root 'subjectAltName = IP:127.0.0.1, IP:::1'
key clientonly; sign clientonly "/CN=client only" root "$example
extendedKeyUsage = clientAuth"
key serveronly; sign serveronly "/CN=server only" root "$example
extendedKeyUsage = serverAuth"
key anyuse; sign anyuse "/CN=any use" root "$example
extendedKeyUsage = anyExtendedKeyUsage"
key critical; sign critical "/CN=critical" root "$example
1.2.3.4 = critical, ASN1:NULL"
md=sha1; key sha1; sign sha1 "/CN=sha1" root "$example"; unset md
key rsa1024 -algorithm RSA -pkeyopt rsa_keygen_bits:1024; sign rsa1024 "/CN=rsa1024" root "$example"
key oldroot; sign oldroot "/CN=Old root" - "$is_ca" -startdate 20000101000000Z -enddate 20100101000000Z
key underold; sign underold "/CN=under old" oldroot "$example"
key notca; sign notca "/CN=not a CA" root 'basicConstraints = critical, CA:FALSE'
key undernotca; sign undernotca "/CN=under not a CA" notca "$example"
cat notca.pem >> undernotca.pem

# Chains of 3, 16 and 17 certificates below the root; one key serves all issuers.
key ca; cp ca.key "$work/chain.key"; rm ca.key
above=root; list=
for i in 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1; do
	cp "$work/chain.key" "ca$i.key"
	sign "ca$i" "/CN=Issuer $i" "$above" "$is_ca"
	above="ca$i"
	list="ca$i.pem $list"
done
key chain17; sign chain17 "/CN=chain of 17" ca1 "$example"
cat $list >> chain17.pem
key chain16; sign chain16 "/CN=chain of 16" ca2 "$example"
for i in 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do cat "ca$i.pem"; done >> chain16.pem
key chain3; sign chain3 "/CN=chain of 3" ca15 "$example"
cat ca15.pem ca16.pem >> chain3.pem
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do rm "ca$i.pem" "ca$i.key"; done

# Keys that cannot be used.
key rsa4960 -algorithm RSA -pkeyopt rsa_keygen_bits:4960
key ed25519 -algorithm ED25519
openssl pkey -in root.key -aes128 -passout pass:secret -out encrypted.key

# Names of every kind, and what Python says of them.
key rich
sign rich "/C=DE/ST=Baden-Württemberg/O=O'Neill \"and\" sons\\\\brothers/CN=schöne \$(reset) names" root \
'subjectAltName = DNS:example.com, email:a@example.com, URI:http://example.com/x, IP:192.0.2.1, IP:2001:db8::1, RID:1.2.3.4
authorityInfoAccess = OCSP;URI:http://ocsp.example.com/, OCSP;URI:http://ocsp2.example.com/, caIssuers;URI:http://ca.example.com/ca.cer
crlDistributionPoints = URI:http://crl.example.com/1.crl, URI:http://crl.example.com/2.crl
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth, clientAuth'
python3 -c 'import ssl; print(ssl._ssl._test_decode_cert("rich.pem"))' > rich.txt
rm oldroot.key notca.key
chmod 644 ./*.key
