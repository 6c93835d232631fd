# Unit tests of the code that needs no server: every test/unit/*_test.c is one cmocka program, linked with the
# pure modules of extension/ compiled as PostgreSQL frontend code (-DFRONTEND, libpgcommon, libpgport).
PURE_SOURCES = $(shell sed -e '/^\#/d' test/unit/PURE)
UNIT_TESTS = $(patsubst test/unit/%.c,build/unit/%,$(sort $(wildcard test/unit/*_test.c)))
UNIT_CFLAGS = -std=gnu17 -g -O1 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined -DFRONTEND -Iextension -I$(shell $(PG_CONFIG) --includedir-server) -D_GNU_SOURCE
UNIT_LIBS = -L$(shell $(PG_CONFIG) --pkglibdir) -L$(shell $(PG_CONFIG) --libdir) -lpgcommon -lpgport -lcmocka $(shell pkg-config --libs libcrypto json-c expat zlib) -lm

build/unit/%: test/unit/%.c $(PURE_SOURCES) $(wildcard extension/*/*.h) test/unit/PURE
	@mkdir -p build/unit
	$(CC) $(UNIT_CFLAGS) -o $@ $< $(PURE_SOURCES) $(UNIT_LIBS)

.PHONY: check-unit
check-unit: $(UNIT_TESTS)
	@for t in $(UNIT_TESTS); do echo "# $$t"; ASAN_OPTIONS=detect_leaks=0 $$t || exit 1; done
