/*
 * protocol.h
 *		A call's input as what goes over the wire, and an answer's XML as JSON. Pure.
 *
 * What can't be written without knowing more than is known is refused, never guessed.
 */
#ifndef ETL_AWS_PROTOCOL_H
#define ETL_AWS_PROTOCOL_H

#include "aws/service.h"
#include "aws/value.h"
#include "base/error.h"
#include "net/http.h"

typedef struct EtlAwsMessage
{
	const char *method;
	char *path; /* encoded */
	EtlHttpField *query;
	int nquery;
	EtlHttpField headers[8];
	int nheaders;
	char *body; /* "" for none */
} EtlAwsMessage;

/* The message of service's action with an object as input. It may point into the input. */
extern bool protocol_write(const EtlAwsService *service, const char *action, const EtlAwsValue *input,
						   EtlAwsMessage *out, EtlError *error);

/* Its parts, one a file: protocol_query.c, protocol_rest.c. */
extern bool protocol_query_write(const EtlAwsService *service, const char *action, const EtlAwsValue *input,
								 EtlAwsMessage *out, EtlError *error);
extern bool protocol_rest_write(const EtlAwsService *service, const char *action, const EtlAwsValue *input,
								EtlAwsMessage *out, EtlError *error);

/* The next of a list in an EtlAwsRest: a member, and its name over there. False: there is none. */
extern bool protocol_next_name(const char **list, char **member, char **name);


/*
 * The JSON text of an answer in XML. Lists are arrays and maps objects where the service's tables know them (names.h), and
 * so are elements that hold nothing but "member" ("item" of EC2); neighbours of one name are an array. All texts are
 * strings. Attributes are dropped, and so is what is wrapped around the result.
 */
extern bool protocol_xml_read(const EtlAwsService *service, const char *action, const char *data, size_t size,
							  StringInfo out, EtlError *error);

/*
 * Step Functions writes each member with a capital. For a service whose members start with a small letter: the names as the
 * service has them (or, with to_capital, as Step Functions does), but for keys of maps. Changed in place.
 */
extern void protocol_rename(const EtlAwsService *service, EtlAwsValue *value, bool to_capital);

#endif
