#!/bin/sh
# Makes the demonstration certificates of this folder anew: a CA, a server example.com and a client,
# EC on P-256, valid from 2020 to 2120, so that a scenario's date does not matter. The keys are
# public: nothing real may trust them. Runs of scenarios with TLS change their bytes with them.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/conf" <<END
[ca]
default_ca = demo
[demo]
dir = $work
database = $work/index
serial = $work/serial
new_certs_dir = $work
default_md = sha256
policy = any
unique_subject = no
[any]
organizationName = optional
commonName = supplied
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:example.com, DNS:*.example.com
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = email:client@example.com
END
: > "$work/index"
echo 01 > "$work/serial"
sign() # name, subject, section, more arguments
{
	name=$1 subject=$2 section=$3
	shift 3
	openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key" 2> /dev/null ||
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key" 2> /dev/null
	openssl req -new -config "$work/conf" -key "$name.key" -subj "$subject" -out "$work/$name.csr"
	openssl ca -batch -notext -config "$work/conf" -extensions "$section" -startdate 20200101000000Z \
		-enddate 21200101000000Z -in "$work/$name.csr" -out "$name.pem" "$@" 2> /dev/null
}
sign ca "/O=tapir demo/CN=tapir demo CA" root -selfsign -keyfile ca.key
sign server "/O=tapir demo/CN=example.com" server -cert ca.pem -keyfile ca.key
sign client "/O=tapir demo/CN=client one" client -cert ca.pem -keyfile ca.key
chmod 644 ./*.key
rm ca.key
