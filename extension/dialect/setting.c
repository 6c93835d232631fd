/*
 * setting.c
 *		SET and RESET of settings that are about a cluster's queues and caches: accepted, nothing to do.
 */
#include "dialect/translate.h"

static const char *const cluster_settings[] = {
	"enable_result_cache_for_session",
	"query_group",
	"wlm_query_slot_count",
};

EtlFamilyResult
translate_setting(EtlParser *parser, EtlTranslation *out)
{
	if (!parser_accept_word(parser, "session"))
		parser_accept_word(parser, "local");
	for (int i = 0; i < lengthof(cluster_settings); i++)
		if (parser_is_word(parser, cluster_settings[i]))
		{
			out->kind = ETL_STATEMENT_NOTHING;
			out->sql = pstrdup("");
			return ETL_FAMILY_DONE;
		}
	return ETL_FAMILY_PASS;
}
