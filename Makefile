# Builds and installs the extension with PGXS. ./scripts/test runs every suite; `make check-unit` only the ones
# that need no server.
EXTENSION = pg_etl pg_etl_aws_s3
ETL_VERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" pg_etl.control)
MODULE_big = pg_etl

# A room is a folder under extension/ (docs/design.md lists them); every .c file in one is part of the library.
SOURCES = $(sort $(wildcard extension/*.c extension/*/*.c))
OBJS = $(SOURCES:.c=.o)

INSTALL_SQL = pg_etl--$(ETL_VERSION).sql
# aws_s3, for code that was written for Amazon RDS: SQL alone
DATA = pg_etl_aws_s3--$(ETL_VERSION).sql
DATA_built = $(INSTALL_SQL)
EXTRA_CLEAN = build

PKGS = libcurl libcrypto json-c expat zlib libzstd libpq
PG_CPPFLAGS = -Iextension -DETL_VERSION='"$(ETL_VERSION)"' $(shell pkg-config --cflags $(PKGS))
PG_CFLAGS = -std=gnu17 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-Wno-declaration-after-statement -Wno-cast-function-type $(if $(WERROR),-Werror)
SHLIB_LINK = $(shell pkg-config --libs $(PKGS)) -lbz2 -Wl,--version-script=extension/exports.map

PG_CONFIG ?= pg_config
override with_llvm = no
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

pg_etl.so: extension/exports.map
$(OBJS): $(wildcard extension/*/*.h)

$(INSTALL_SQL): Makefile extension/sql/MANIFEST $(wildcard extension/sql/*.sql) pg_etl.control
	(printf '%s\n' '-- complain if script is sourced in psql, rather than via CREATE EXTENSION' \
		'\echo Use "CREATE EXTENSION pg_etl" to load this file. \quit'; \
	 for module in $$(grep -v '^#' extension/sql/MANIFEST); do cat extension/sql/$$module.sql || exit 1; done) > $@

include test/unit/unit.mk
include test/fuzz/fuzz.mk
