/*
 * profile_file.h
 *		The AWS command line's shared files, ~/.aws/config and ~/.aws/credentials: what they say of a profile. Pure.
 */
#ifndef ETL_AWS_PROFILE_FILE_H
#define ETL_AWS_PROFILE_FILE_H

#include "base/error.h"

/* NULL: it doesn't say. */
typedef struct EtlAwsProfile
{
	bool found;
	char *access_key_id;
	char *secret_access_key;
	char *session_token;
	char *role_arn;
	char *source_profile;
	char *credential_source;
	char *external_id;
	char *role_session_name;
	char *web_identity_token_file;
	char *credential_process;
	char *sso;
} EtlAwsProfile;

/*
 * Take what the text says of the profile; what was taken before from another file and is said here, too, is
 * replaced. In a config file the section of profile p is [profile p], in a credentials file [p]; [default] is so in
 * both. Settings that are not in EtlAwsProfile are passed over. False with F0000 for a line that makes no sense, whose
 * number is in the detail.
 */
extern bool profile_file_parse(const char *text, bool config, const char *profile, EtlAwsProfile *out,
							   EtlError *error);

#endif
