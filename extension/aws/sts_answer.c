/*
 * sts_answer.c
 *		Reading the keys out of STS's answer. See sts_answer.h.
 *
 * What the document holds of them is wiped before it is freed.
 */
#include "aws/sts_answer.h"

#include "aws/xml_answer.h"
#include "net/date.h"

#define MAX_ID_SIZE 128
#define MAX_SECRET_SIZE 256
#define MAX_TOKEN_SIZE (16 * 1024)
#define MAX_TIME_SIZE 64

static bool
parse(const EtlXml *xml, const char *action, EtlAwsKeys *keys, int64 *expires_at, EtlError *error)
{
	char result[64];
	int at;
	const char *id = NULL;
	const char *secret = NULL;
	const char *token = NULL;
	const char *expiration = NULL;

	snprintf(result, sizeof(result), "%sResult", action);
	at = xml_answer_child(xml, 0, result, error);
	if (at > 0)
		at = xml_answer_child(xml, at, "Credentials", error);
	if (at > 0)
		id = xml_answer_word(xml, at, "AccessKeyId", MAX_ID_SIZE, error);
	if (id != NULL)
		secret = xml_answer_word(xml, at, "SecretAccessKey", MAX_SECRET_SIZE, error);
	if (secret != NULL)
		token = xml_answer_word(xml, at, "SessionToken", MAX_TOKEN_SIZE, error);
	if (token != NULL)
		expiration = xml_answer_word(xml, at, "Expiration", MAX_TIME_SIZE, error);
	if (expiration == NULL)
		return false;
	if (!date_parse_iso(expiration, expires_at))
	{
		etl_error_set(error, ERRCODE_PROTOCOL_VIOLATION, "unexpected answer");
		etl_error_detail(error, "Its Expiration is not a time.");
		return false;
	}
	*keys = (EtlAwsKeys){
		.access_key_id = pstrdup(id), .secret_access_key = pstrdup(secret), .session_token = pstrdup(token)};
	return true;
}

bool
sts_answer_parse(const char *body, size_t size, const char *action, EtlAwsKeys *keys, int64 *expires_at,
				 EtlError *error)
{
	char root[64];
	EtlXml xml;
	bool good;

	snprintf(root, sizeof(root), "%sResponse", action);
	if (!xml_answer_parse(body, size, root, &xml, error))
		return false;
	good = parse(&xml, action, keys, expires_at, error);
	for (int i = 0; i < xml.count; i++)
		explicit_bzero(unconstify(char *, xml.elements[i].text), strlen(xml.elements[i].text));
	xml_free(&xml);
	return good;
}
