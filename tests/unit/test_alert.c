#include "../../tls/alert.h"

#include <string.h>

#include <bearssl.h>

#include "../../tls/tls.h"
#include "../lib/test.h"

/* BearSSL's numbers: protocol errors 1..31, certificates 33..62; 11, 30 and 61 are not in use. */
static void every_error_has_words_and_an_alert(void)
{
	for (int e = BR_ERR_BAD_PARAM; e <= BR_ERR_X509_NOT_TRUSTED; e++) {
		if (e == 11 || e == 30 || e == 61 || e == BR_ERR_X509_OK)
			continue;
		CU_ASSERT_PTR_NOT_NULL(error_text(e));
		if (e != BR_ERR_IO)
			CU_ASSERT_NOT_EQUAL(alert_for_error(e), ALERT_NONE);
	}
	CU_ASSERT_PTR_NULL(error_text(999));
	CU_ASSERT_EQUAL(alert_for_error(999), ALERT_INTERNAL_ERROR);
}

static void alerts_are_those_of_openssl(void)
{
	CU_ASSERT_EQUAL(alert_for_error(BR_ERR_NO_CLIENT_AUTH), 40);
	CU_ASSERT_EQUAL(alert_for_error(BR_ERR_X509_NOT_TRUSTED), 48);
	CU_ASSERT_EQUAL(alert_for_error(BR_ERR_X509_EXPIRED), 45);
	CU_ASSERT_EQUAL(alert_for_error(BR_ERR_X509_BAD_SERVER_NAME), 42);
	CU_ASSERT_EQUAL(alert_for_error(BR_ERR_BAD_MAC), 20);
	CU_ASSERT_EQUAL(alert_for_error(BR_ERR_BAD_FINISHED), 51);
	CU_ASSERT_EQUAL(alert_for_error(BR_ERR_UNSUPPORTED_VERSION), 70);
}

static void names_and_hints_follow_the_role(void)
{
	CU_ASSERT_STRING_EQUAL(tls_alert_name(48), "unknown_ca");
	CU_ASSERT_STRING_EQUAL(tls_alert_name(200), "unknown alert");
	CU_ASSERT_PTR_NOT_NULL(strstr(alert_hint(40, 0), "client certificate"));
	CU_ASSERT_PTR_NULL(strstr(alert_hint(40, 1), "client certificate"));
	CU_ASSERT_PTR_NOT_NULL(strstr(alert_hint(70, 0), "TLS 1.3"));
	CU_ASSERT_STRING_EQUAL(alert_hint(200, 0), "");
}

static const struct test_case cases[] = {
	TEST(every_error_has_words_and_an_alert),
	TEST(alerts_are_those_of_openssl),
	TEST(names_and_hints_follow_the_role),
};
TEST_SUITE(alert, cases);
