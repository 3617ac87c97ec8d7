/* SPDX-License-Identifier: Apache-2.0 */
/* C++ and Rust names as people know them; hostile ones cost neither time nor stack. */
#include "symbols_fixture.h"

#include "lib/text.h"
#include "symbols/demangle.h"

static void expect(const char *mangled, const char *plain)
{
	_cleanup_free_ char *got = demangle(mangled);

	if (plain) {
		assert_non_null(got);
		assert_string_equal(got, plain);
	} else {
		assert_null(got);
	}
}

static void test_cplusplus(void **state)
{
	(void)state;
	expect("_ZN4shop5OrderIlE5totalEv", "shop::Order<long>::total()");
	expect("_ZNKSt6vectorIiSaIiEE4sizeEv", "std::vector<int, std::allocator<int> >::size() const");
	expect("_ZZ4mainENKUliE_clEi", "main::{lambda(int)#1}::operator()(int) const");
	expect("_ZdlPv", "operator delete(void*)");
	expect("_ZTv0_n24_NSoD1Ev", "virtual thunk to std::basic_ostream<char, std::char_traits<char> >::~basic_ostream()");
	expect("_Z3fooi.part.0", "foo(int) [clone .part.0]");
	expect("_ZN12_GLOBAL__N_13barEv.cold", "(anonymous namespace)::bar() [clone .cold]");
}

static void test_rust(void **state)
{
	(void)state;
	expect("_ZN4core3fmt5Write10write_char17hb59e3a76362cb2ceE", "core::fmt::Write::write_char");
	expect("_ZN4core3ptr42drop_in_place$LT$std..io..error..Error$GT$17hd292a51e8404f469E.llvm.8101933485321140186",
	       "core::ptr::drop_in_place<std::io::error::Error>");
	expect("_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE", "std::rt::lang_start::{{closure}}");
	expect("_RNvCs6GmmlP4bgsG_1r4main", "r::main");
	expect("_RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeNtNtNtCsjrHSEGnQ3l9_3std2io5error5ErrorECs6GmmlP4bgsG_1r",
	       "core::ptr::drop_in_place::<std::io::error::Error>");
	expect("_RNvMs0_NtCs1_3foo3barINtB5_3BazpE3new", "<foo::bar::Baz<_>>::new");
}

static void test_what_is_not_mangled(void **state)
{
	(void)state;
	expect("main", NULL);
	expect("", NULL);
	expect("_", NULL);
	expect("_Z", NULL);
	expect("_R", NULL);
	expect("_Znonsense", NULL);
	expect("_ZN3one", NULL);
	expect("Z3onev", NULL);
	/* An empty identifier, for which libiberty has no text at all. Found by fuzzing. */
	expect("_RINvNtCsgEmfK2I1SDS_4corj3ptr13drop_in__stexttNtNtCsjrHSEGnor5ErrorECs6GmmlP4bgsG_0r", NULL);
}

/* 60 types, each a pair of the one before: as text it would be 2^60 names. */
static char *doubling_cplusplus(void)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct text text = {0};

	text_add(&text, "_Z1f1A4pairIS_S_E");
	/* S_ is A, S0_ is pair, S1_ the first pair of A. */
	for (int i = 1; i < 34; i++)
		text_add(&text, "S0_IS%c_S%c_E", digits[i], digits[i]);
	return text_take(&text);
}

/* The same of tuples, by references backwards: T <type> B <where that type stands> E. */
static char *doubling_rust(void)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct text text = {0};

	text_add(&text, "_RMC0");
	for (int i = 0; i < 50; i++)
		text_add(&text, "T");
	text_add(&text, "u");
	for (int i = 49; i >= 0; i--)
		text_add(&text, "B%c_E", digits[i + 3]); /* the type begins at i + 4 */
	return text_take(&text);
}

static void test_texts_without_end_are_cut(void **state)
{
	char *(*const makers[])(void) = {doubling_cplusplus, doubling_rust};

	(void)state;
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
		_cleanup_free_ char *mangled = makers[i](), *plain = demangle(mangled);

		assert_non_null(plain);
		assert_int_equal(strlen(plain), DEMANGLED_MAX + 3);
		assert_string_equal(plain + DEMANGLED_MAX, "...");
	}
}

/* Depth that would take the stack; whatever comes of it, it comes. */
static void test_endless_depth(void **state)
{
	static const struct {
		const char *head, *again, *tail;
	} deep[] = {
	    {"_Z1f", "P", "i"},       {"_Z1f", "N1aI", "E"},
	    {"_Z1fI", "X", "E"},      {"_Z1f", "F", "E"},
	    {"_RMC0", "T", "u"},      {"_RMC0", "R", "u"},
	    {"_RINvC1a1b", "S", "E"}, {"_ZN", "1a", "E"},
	    {"_Z", "Z1fvE", "1a"},    {"_ZN1aI", "Li", "E17h0123456789abcdefE"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(deep) / sizeof(*deep); i++) {
		for (int times = 100; times <= 100000; times *= 10) {
			struct text text = {0};
			_cleanup_free_ char *mangled = NULL, *plain = NULL;

			text_add(&text, "%s", deep[i].head);
			for (int n = 0; n < times; n++)
				text_add(&text, "%s", deep[i].again);
			text_add(&text, "%s", deep[i].tail);
			mangled = text_take(&text);
			plain = demangle(mangled);
			assert_true(!plain || strlen(plain) <= DEMANGLED_MAX + 3);
			assert_true(times < 100000 || !plain); /* too long to be looked at */
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cplusplus),           cmocka_unit_test(test_rust),
	    cmocka_unit_test(test_what_is_not_mangled), cmocka_unit_test(test_texts_without_end_are_cut),
	    cmocka_unit_test(test_endless_depth),
	};

	return cmocka_run_group_tests_name("demangled names", tests, NULL, NULL);
}
