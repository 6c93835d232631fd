/*
 * translate.h
 *		The families of statements that dialect_translate hands a statement to. Internal to this room.
 *
 * A family looks at the tokens from the cursor on. It answers ETL_FAMILY_PASS for a statement that isn't its own
 * (Redshift and PostgreSQL mean the same by it, or it isn't Redshift's), having changed nothing.
 */
#ifndef ETL_DIALECT_TRANSLATE_H
#define ETL_DIALECT_TRANSLATE_H

#include "dialect/dialect.h"
#include "dialect/parser.h"
#include "dialect/rewrite.h"

typedef enum EtlFamilyResult
{
	ETL_FAMILY_PASS,
	ETL_FAMILY_DONE,
	ETL_FAMILY_FAILED
} EtlFamilyResult;

typedef EtlFamilyResult (*EtlFamily)(EtlParser *parser, EtlTranslation *out);

extern EtlFamilyResult translate_copy(EtlParser *parser, EtlTranslation *out);
extern EtlFamilyResult translate_unload(EtlParser *parser, EtlTranslation *out);
extern EtlFamilyResult translate_external_schema(EtlParser *parser, EtlTranslation *out);
extern EtlFamilyResult translate_external_table(EtlParser *parser, EtlTranslation *out);
extern EtlFamilyResult translate_alter_external(EtlParser *parser, EtlTranslation *out);
extern EtlFamilyResult translate_create_table(EtlParser *parser, EtlTranslation *out);
extern EtlFamilyResult translate_drop(EtlParser *parser, EtlTranslation *out);
extern EtlFamilyResult translate_setting(EtlParser *parser, EtlTranslation *out);
extern EtlFamilyResult translate_transaction(EtlParser *parser, EtlTranslation *out);

/*
 * What holds in every statement that keeps its shape: literals, #temporary names, VARCHAR(MAX). For the tokens from
 * `first` up to `last`, or for a whole statement.
 */
extern bool translate_text_range(EtlParser *parser, int first, int last, EtlRewrite *rewrite);
extern bool translate_text(EtlParser *parser, char **sql);

#endif
