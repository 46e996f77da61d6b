/* The certificates of sim/scenarios/pki, built into the program (the Makefile makes the source from
 * the files), so that `tls: true` works for a scenario anywhere. Their keys are public. */
#ifndef SIM_DEMO_PKI_H
#define SIM_DEMO_PKI_H

extern const char demo_ca_pem[], demo_server_pem[], demo_server_key[], demo_client_pem[], demo_client_key[];

#define DEMO_PKI "builtin" /* the name by which a scenario asks for them, and the default */

#endif
