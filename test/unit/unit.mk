# Unit tests of the code that needs no server: every test/unit/*_test.c is one cmocka program, linked with the
# pure modules of extension/ compiled as PostgreSQL frontend code (-DFRONTEND, libpgcommon, libpgport), all of it
# with the address and undefined-behaviour sanitizers.
PURE_SOURCES = $(shell sed -e '/^\#/d' test/unit/PURE)
PURE_OBJS = $(PURE_SOURCES:%.c=build/unit/%.o)
UNIT_TESTS = $(patsubst test/unit/%.c,build/unit/%,$(sort $(wildcard test/unit/*_test.c)))
UNIT_CFLAGS = -std=gnu17 -g -O1 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined -DFRONTEND -Iextension -I$(shell $(PG_CONFIG) --includedir-server) -D_GNU_SOURCE
UNIT_LIBS = -L$(shell $(PG_CONFIG) --pkglibdir) -L$(shell $(PG_CONFIG) --libdir) -lpgcommon -lpgport -lcmocka $(shell pkg-config --libs libcrypto json-c expat zlib libzstd) -lbz2 -lm

build/unit/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -MMD -MP -c -o $@ $<

$(UNIT_TESTS): build/unit/%: build/unit/test/unit/%.o $(PURE_OBJS) test/unit/PURE
	$(CC) $(UNIT_CFLAGS) -o $@ $< $(PURE_OBJS) $(UNIT_LIBS)

# Its malloc fails when it is told to, and it knows when expat is on the stack.
build/unit/allocation_test: UNIT_LIBS += -Wl,--wrap=XML_Parse

# What t/015_signing.pl compares with botocore.
build/unit/sign_driver: build/unit/test/aws/sign_driver.o $(PURE_OBJS) test/unit/PURE
	$(CC) $(UNIT_CFLAGS) -o $@ $< $(PURE_OBJS) $(UNIT_LIBS)

# What t/027_values.pl compares with PostgreSQL.
build/unit/value_driver: build/unit/test/format/value_driver.o $(PURE_OBJS) test/unit/PURE
	$(CC) $(UNIT_CFLAGS) -o $@ $< $(PURE_OBJS) $(UNIT_LIBS)

# What t/026_formats.pl compares with Python's csv and json.
build/unit/format_driver: build/unit/test/format/format_driver.o $(PURE_OBJS) test/unit/PURE
	$(CC) $(UNIT_CFLAGS) -o $@ $< $(PURE_OBJS) $(UNIT_LIBS)

-include build/unit/test/aws/sign_driver.d build/unit/test/format/format_driver.d build/unit/test/format/value_driver.d $(PURE_OBJS:.o=.d) $(UNIT_TESTS:build/unit/%=build/unit/test/unit/%.d)

.PHONY: unit-programs check-unit
unit-programs: $(UNIT_TESTS)
check-unit: $(UNIT_TESTS)
	@failed=; for t in $(UNIT_TESTS); do echo "# $$t"; ASAN_OPTIONS=detect_leaks=0 $$t || failed=1; done; test -z "$$failed"
