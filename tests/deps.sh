#!/bin/sh
# Folders point one way: reads the quoted includes of each folder and compares them with this table.
# stack.h, link.h and base/ are open to all; inside stack/ the order is base, wire, net, tcp, stack.
fail=0
check() { # folder, pattern of allowed include paths
	bad=$(grep -nHE '^#include "' "$1"/*.[ch] 2> /dev/null | grep -vE "#include \"($2)\"")
	[ -z "$bad" ] || { echo "deps: $1 may not include:"; echo "$bad"; fail=1; }
}
here='[a-z0-9_]+\.h'
check stack/base "$here"
check stack/wire "$here|\.\./base/$here"
check stack/net "$here|\.\./(base|wire)/$here|\.\./stack\.h"
check stack/tcp "$here|\.\./(base|wire)/$here|\.\./net/net\.h|\.\./stack\.h"
check stack "$here|(base|wire|net|tcp)/$here"
check stack/link "$here|\.\./(base|wire)/$here|\.\./link\.h"
check tls "$here|base/$here|\.\./stack/stack\.h|\.\./stack/base/$here"
check traces "$here|\.\./stack/(base|wire)/$here"
check sim "$here|\.\./(stack|tls|traces)/$here|\.\./stack/(base|wire|link)/$here"
[ $fail = 0 ] && echo "deps: ok"
exit $fail
