from pathlib import Path

import pytest

from rldf.errors import GrammarError
from rldf.grammar import check_grammar, grammars_with, load_grammar
from rldf.grammar.files import DATA_PATH

FINE = """\
name = "fine"
version = "1"
productions = [
    "S -> NP PL",
    "NP -> Count[n] Thing[n]",
    "PL -> 'in' Scene",
]

[[axes]]
id = "object"
symbol = "Thing"
agreement = "takes-number"
terms = [
    "cow",
    { term = "bike", synonyms = ["cycle"] },
    "car",
]

[axes.groups]
wheels = ["bike", "car"]

[[axes]]
id = "count"
symbol = "Count"
kind = "ordinal"
agreement = "sets-number"
terms = [{ term = "one", number = "singular" }, "two"]

[[axes]]
id = "scene"
symbol = "Scene"
terms = [
    { term = "park", surface = "a park" },
    { term = "sea", surface = "the sea" },
]

[[exclusions]]
object = ["car"]
scene = ["sea"]
"""
VERB_AXIS = '\n[[axes]]\nid = "action"\nsymbol = "Verb"\noptional = true\nterms = ["none", "flying"]\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def line_of(text: str, piece: str) -> int:
    return text[: text.index(piece)].count("\n") + 1


def test_load__a_users_file(tmp_path: Path) -> None:
    grammar = load_grammar(write(tmp_path, FINE))
    assert grammar.space.size == 3 * 2 * 2
    assert len(list(grammar.space.all_encodings())) == 12 - 2
    assert grammar.render(grammar.parse("two cycles in the sea")) == "two bikes in the sea"
    assert grammar.block(["wheels"]).space.axis("object").terms == ("cow",)
    assert grammar.block(["sea"]).space.exclusions == ()
    assert load_grammar(str(tmp_path / "mine.toml")) == grammar


def test_load__blocked_in_the_file(tmp_path: Path) -> None:
    grammar = load_grammar(
        write(tmp_path, FINE.replace('version = "1"', 'version = "1"\nblocked = ["cow", "scene=sea"]'))
    )
    assert grammar.space.axis("object").terms == ("bike", "car")
    assert grammar.space.axis("scene").terms == ("park",)


def test_load__optional_axis(tmp_path: Path) -> None:
    text = FINE.replace('"S -> NP PL"', '"S -> NP PL | NP VP PL", "VP -> Verb"') + VERB_AXIS
    grammar = load_grammar(write(tmp_path, text.replace(FINE[FINE.index("[[excl") :], "")))
    assert grammar.render(
        grammar.space.encode({"object": "cow", "count": "two", "scene": "sea", "action": "none"})
    ) == ("two cows in the sea")
    for encoding in grammar.space.all_encodings():
        assert grammar.parse(grammar.render(encoding)) == encoding


def test_load__punctuation_and_capitals(tmp_path: Path) -> None:
    text = FINE.replace("'in' Scene", "', in' Scene").replace('"the sea"', '"St. Ives, Cornwall"')
    grammar = load_grammar(write(tmp_path, text))
    sentence = grammar.render(grammar.space.encoding(1))
    assert sentence == "one cow, in St. Ives, Cornwall"
    assert grammar.parse(sentence.lower()) == grammar.space.encoding(1)
    assert grammar.derive(grammar.space.encoding(1)) == grammar.analyse(sentence)


BAD = [
    # what is replaced, by what, where the problem stands, message
    ('"S -> NP PL"', '"S -> NP PL", "PL -> NP S"', '"S -> NP PL", "PL', r"cycle: S -> PL -> S.*break the cycle"),
    (
        '"S -> NP PL"',
        '"S -> NP PL",\n    "Q -> \'on\'"',
        "\"Q -> 'on'\"",
        r"'Q -> 'on'' is unused: nothing reached from 'S'.*remove the line",
    ),
    (
        '"S -> NP PL"',
        '"S -> NP PLL"',
        '"S -> NP PLL"',
        r"the symbol 'PLL' in 'S -> NP PLL': it is never rewritten.*Did you mean 'PL'",
    ),
    (
        '"S -> NP PL"',
        '"S -> NP PL | NP[n] PL"',
        '"S -> NP PL |',
        r"the symbol 'NP'.*has no singular form. Write it without",
    ),
    (
        "Count[n] Thing[n]",
        "Count[n] Thing",
        '"NP -> Count[n] Thing"',
        r"the symbol 'Thing'.*has a number elsewhere. Write Thing\[n\]",
    ),
    (
        "Count[n] Thing[n]",
        "Count[m] Thing[m]",
        '"NP -> Count[m]',
        r"has the number '\[m\]'; it may be \[n\], \[singular\] or \[plural\]",
    ),
    (
        "Count[n] Thing[n]",
        "Count[singular] Thing[singular]",
        'terms = [{ term = "one"',
        r"no sentence spells object=cow, count=two.*no place for 'two'.*Add an alternative",
    ),
    ("Count[n] Thing[n]", "Count Thing", '"NP -> Count Thing"', r"the symbol 'Count'.*has a number elsewhere"),
    ('"NP -> Count[n] Thing[n]"', '"NP Count[n] Thing[n]"', '"NP Count', r"has no '->'; write it as"),
    (
        '"NP -> Count[n] Thing[n]"',
        '"NP -> Count[n] Thing[n] |"',
        '"NP -> Count[n] Thing[n] |"',
        r"empty alternative.*Write the short and the long form",
    ),
    ('"NP -> Count[n] Thing[n]"', '"NP XP -> Count[n] Thing[n]"', '"NP XP', r"must have one symbol before '->'"),
    (
        '"NP -> Count[n] Thing[n]"',
        '"NP -> Count[n] + Thing[n]"',
        '"NP -> Count[n] +',
        r"cannot be read from '\+ Thing\[n\]'.*may hold symbols",
    ),
    ("'in' Scene", "'' Scene", '"PL -> ', r"has empty quotes; put words"),
    (
        "'in' Scene",
        "'in' Scene | 'at' Scene",
        '"PL -> ',
        r"ambiguous: 'one cow in a park' and 'one cow at a park' are two derivations.*Remove one",
    ),
    ("'in' Scene", "'in' Scene | 'in' Scene", '"PL -> ', r"repeats a production. Remove the repetition"),
    ("'in' Scene", "'in' Scene 'or' Scene", '"PL -> ', r"names the axis 'scene' twice.*terms_from helps"),
    (
        "'in' Scene",
        "'in' Scene | 'here'",
        '"PL -> ',
        r"'one cow here' says nothing of axis 'scene', which is not optional.*Set optional",
    ),
    (
        "'in' Scene",
        "'at home'",
        '[[axes]]\nid = "scene"',
        r"terms of axis 'scene' are unused: no production holds its symbol 'Scene'",
    ),
    ('"S -> NP PL"', '"S[n] -> NP PL"', '"S[n] -> NP PL"', r"first symbol 'S' starts a sentence and has no number"),
    (
        '"S -> NP PL"',
        '"S -> NP PL", "Scene -> \'x\'"',
        '"S -> NP PL",',
        r"'Scene' stands for the terms of axis 'scene' and cannot be rewritten",
    ),
    (
        'id = "scene"',
        'id = "scene"\nkindd = "ordinal"',
        "kindd",
        r"no key 'kindd'. Here it may be: id, symbol, kind.*Did you mean 'kind'",
    ),
    ('name = "fine"', 'name = "fine"\nexclusion = []', "exclusion", r"no key 'exclusion'.*Did you mean 'exclusions'"),
    (
        'kind = "ordinal"',
        'kind = "ordinl"',
        "kind =",
        r"kind is 'ordinl'. It may be: categorical, ordinal. Did you mean 'ordinal'",
    ),
    (
        '{ term = "park", surface',
        '{ term = "park", surfce',
        '{ term = "park", surfce',
        r"no key 'surfce'.*Did you mean 'surface'",
    ),
    ('version = "1"\n', "", "name", r"the key 'version' is missing. Add `version"),
    ('version = "1"', "version = 1", "version = 1", r"version is 1; it is a text. Put it in quotes"),
    ('symbol = "Scene"', 'symbol = "Scene"\noptional = "yes"', "optional", r"optional is 'yes'; it is true or false"),
    ('"cow",', '"cow",\n    "car",', '"car",\n]', r"axis 'object' names 'car' twice; terms differ"),
    ('"cow",', '"cow",\n    3,', "    3,", r"term is 3; it is a text"),
    ('"cow",', '"cow",\n    "a=b",', '    "a=b",', r"a term is 'a=b'; it is a name without '='"),
    (
        '"cycle"',
        '"Cow"',
        '{ term = "bike"',
        r"'cow' on axis 'object' would mean both 'cow' and 'bike'.*belongs to one term",
    ),
    ('"cycle"', '"cycle", "cycle"', "synonyms", r"term 'bike' has the synonym 'cycle' already. Remove the repetition"),
    ('"cycle"', '{ surface = "cycle", plurl = "x" }', '{ term = "bike"', r"no key 'plurl'.*Did you mean 'plural'"),
    (
        '"two"]',
        '{ term = "two", plural = "twos" }]',
        'terms = [{ term = "one"',
        r"'two' has a plural, which only an axis with agreement = \"takes-number\"",
    ),
    (
        '"cow",',
        '{ term = "cow", number = "plural" },',
        '{ term = "cow"',
        r"'cow' has a number, which only an axis with agreement = \"sets-number\"",
    ),
    (
        'wheels = ["bike", "car"]',
        'wheels = ["bike", "cra"]',
        "wheels",
        r"group 'wheels' names 'cra'.*Did you mean 'car'",
    ),
    ('wheels = ["bike", "car"]', "wheels = []", "wheels", r"group 'wheels' is empty"),
    ('wheels = ["bike", "car"]', 'car = ["bike"]', "car = [", r"group 'car' is called as a term"),
    (
        'scene = ["sea"]',
        'scene = ["see"]',
        'scene = ["see"]',
        r"an exclusion names 'see', which is no term of axis 'scene'. It has: park, sea",
    ),
    ('scene = ["sea"]', 'scen = ["sea"]', "scen =", r"an exclusion names the axis 'scen'.*Did you mean 'scene'"),
    ('scene = ["sea"]', "scene = []", "scene = []", r"an exclusion names no terms of axis 'scene'"),
    ('object = ["car"]\n', "", "[[exclusions]]", r"names one axis; it takes two or more. To forbid a term, block it"),
    (
        'version = "1"',
        'version = "1"\nblocked = ["cat"]',
        "blocked",
        r"no term or group 'cat' to block.*Did you mean 'car'",
    ),
    (
        'version = "1"',
        'version = "1"\nblocked = ["park", "sea"]',
        "blocked",
        r"leaves axis 'scene' of grammar 'fine' without terms",
    ),
    ('id = "count"', 'id = "object"', 'id = "object"\nsymbol = "Count"', r"there are two axes 'object'.*Rename one"),
    ('symbol = "Count"', 'symbol = "Thing"', 'symbol = "Thing"\nkind', r"axes 'object' and 'count' both use 'Thing'"),
    ('id = "count"', 'id = "Count!"', 'id = "Count!"', r"the axis id 'Count!' must be small letters"),
    (
        'symbol = "Count"',
        'symbol = "The Count"',
        'symbol = "The Count"',
        r"the symbol 'The Count' must be letters and digits",
    ),
    (
        'terms = [{ term = "one", number = "singular" }, "two"]',
        "terms = []",
        "terms = []",
        r"axis 'count' has 0 terms; it has at least 1. Add terms",
    ),
    (
        'terms = [{ term = "one", number = "singular" }, "two"]',
        "",
        '[[axes]]\nid = "count"',
        r"axis 'count' has no terms; give `terms",
    ),
    (
        'terms = [{ term = "one", number = "singular" }, "two"]',
        'terms_from = "objct"',
        "terms_from",
        r"terms_from names 'objct'.*Did you mean 'object'",
    ),
    (
        'terms = [{ term = "one", number = "singular" }, "two"]',
        'terms_from = "object"',
        "terms_from",
        r"differs from it in `agreement` or `optional`",
    ),
    (
        '{ term = "park", surface = "a park" }',
        '{ term = "park", surface = " " }',
        '{ term = "park", surface = " "',
        r"a spelling is .*; it is words",
    ),
    ('version = "1"', 'version = "1', 'version = "1', r"this is no TOML: .*Correct the line"),
    ('"cow",', '"cow"', '{ term = "bike"', r"this is no TOML"),
    ("[[exclusions]]", "[[exclusion]]", "[[exclusion]]", r"no key 'exclusion'.*Did you mean 'exclusions'"),
]


@pytest.mark.parametrize(("old", "new", "place", "message"), BAD)
def test_load__bad_file__is_refused_with_file_line_and_advice(
    tmp_path: Path, old: str, new: str, place: str, message: str
) -> None:
    assert old in FINE
    text = FINE.replace(old, new, 1)
    path = write(tmp_path, text)
    with pytest.raises(GrammarError, match=message) as caught:
        load_grammar(path)
    lines = [problem.line for problem in check_grammar(path)]
    assert line_of(text, place) in lines, f"expected {line_of(text, place)}: {caught.value}"
    assert all(f"{path}:{line}: " in str(caught.value) for line in lines)


def test_load__sentence_with_two_readings__is_refused_at_the_term(tmp_path: Path) -> None:
    text = FINE.replace('"S -> NP PL"', '"S -> NP Scene"').replace("    \"PL -> 'in' Scene\",\n", "")
    text = text.replace(
        '"cow",', '{ term = "cow", plural = "cows", synonyms = [{ surface = "a", plural = "cows a" }] },'
    )
    text = text.replace('surface = "the sea"', 'surface = "a a park"')
    with pytest.raises(
        GrammarError, match=r"ambiguous: 'two cows a a park' can be read as .*put a word between"
    ) as caught:
        load_grammar(write(tmp_path, text))
    lines = [int(line.split(".toml:")[1].split(":")[0]) for line in str(caught.value).splitlines()]
    assert lines[0] in {
        line_of(text, '{ term = "cow"'),
        line_of(text, '{ term = "sea"'),
        line_of(text, '{ term = "park"'),
    }


def test_load__optional_axis_that_is_always_named__is_refused(tmp_path: Path) -> None:
    text = FINE.replace("'in' Scene", "'in' Scene Verb") + VERB_AXIS
    with pytest.raises(GrammarError, match=r"no sentence spells .*action=none.*one without it"):
        load_grammar(write(tmp_path, text))


def test_load__optional_axis_with_one_term_or_a_spelled_first_one__is_refused(tmp_path: Path) -> None:
    text = FINE.replace('"S -> NP PL"', '"S -> NP PL | NP Verb PL"') + VERB_AXIS
    with pytest.raises(GrammarError, match=r"axis 'action' has 1 terms; an optional one has at least 2"):
        load_grammar(write(tmp_path, text.replace(', "flying"', "")))
    with pytest.raises(GrammarError, match=r"'none' means \"not mentioned\" and spells nothing; give its name alone"):
        load_grammar(write(tmp_path, text.replace('"none"', '{ term = "none", surface = "still" }')))


def test_load__unfinishable_production__is_refused(tmp_path: Path) -> None:
    text = FINE.replace(
        '"S -> NP PL"', '"S -> NP PL",\n    "PL -> \'by\' Other[plural]",\n    "Other[singular] -> \'x\'"'
    )
    with pytest.raises(GrammarError, match=r"'Other'.*used as plural here but has no plural form"):
        load_grammar(write(tmp_path, text))


def test_load__too_many_kinds_of_sentences__is_refused(tmp_path: Path) -> None:
    num_axes = 13
    parts = " ".join(f"X{i}" for i in range(num_axes))
    rules = ", ".join(
        [
            f"\"S -> 'x' | 'x' Y0 {parts}\"",
            "\"Y0 -> 'y'\"",
            *(f"\"X{i} -> 'a{i}' | 'a{i}' T{i}\"" for i in range(num_axes)),
        ]
    )
    axes = "".join(
        f'[[axes]]\nid = "t{i}"\nsymbol = "T{i}"\noptional = true\nterms = ["none", "z{i}"]\n' for i in range(num_axes)
    )
    with pytest.raises(
        GrammarError, match=r"there are 8193 kinds of sentences; at most 4096 can be checked. Use fewer"
    ):
        load_grammar(write(tmp_path, f'name = "n"\nversion = "1"\nproductions = [{rules}]\n{axes}'))


def test_load__several_problems__are_told_at_once(tmp_path: Path) -> None:
    text = FINE.replace('id = "scene"', 'id = "scene"\ncolour = 1').replace('version = "1"\n', "")
    with pytest.raises(GrammarError) as caught:
        load_grammar(write(tmp_path, text))
    assert len(str(caught.value).splitlines()) == 2


def test_load__no_such_grammar__is_refused_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(
        GrammarError,
        match=r"'bse'.*Bundled are: agriculture, base, .*zoology\. Did you mean 'base'",
    ):
        load_grammar("bse")
    with pytest.raises(GrammarError, match=r"nothing\.toml'.*Check the path"):
        load_grammar(tmp_path / "nothing.toml")
    with pytest.raises(GrammarError, match="neither a file nor bundled"):
        check_grammar(tmp_path)


def test_load__not_utf8__is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'name = "caf\xe9"\n')
    with pytest.raises(GrammarError, match=r"cannot be read: .*Give a TOML file in UTF-8"):
        load_grammar(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "axes = 3\nproductions = 4\nname = 5\nversion = []\n",
        'axes = [1]\nproductions = [[]]\nname = ""\nversion = ""\n',
        "exclusions = [1]\n[[axes]]\nterms = 1\ngroups = 2\n",
    ],
)
def test_load__wrong_types__are_refused_not_crashed_on(tmp_path: Path, text: str) -> None:
    with pytest.raises(GrammarError, match=r"mine\.toml:1: |mine\.toml:\d+: "):
        load_grammar(write(tmp_path, text))


def test_data__has_a_licence_beside_it() -> None:
    assert "Apache License" in (DATA_PATH / "LICENSE.txt").read_text(encoding="utf-8")


def test_docs__the_example_file_and_code_work(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/methods/grammar.md").read_text(encoding="utf-8")
    grammar = load_grammar(write(tmp_path, page.split("```toml\n")[1].split("```")[0]))
    assert grammar.render(grammar.space.encoding(0)) == "a painting of one apple on a table"
    assert grammar.parse("a painting of two sweet cherries rolling on the grass").indices == (1, 1, 1, 1)
    for encoding in grammar.space.all_encodings():
        assert grammar.parse(grammar.render(encoding)) == encoding
    code = compile(page.split("```python\n")[1].split("```")[0], "grammar.md", "exec")
    names: dict[str, object] = {}
    exec(code, names)
    assert names["grammar"] == load_grammar("base")


def test_grammars_with_an_axis__are_those_whose_space_has_it() -> None:
    named = grammars_with("weather")
    assert {"control", "full"} <= set(named)
    assert "base" not in named
    assert grammars_with("unheard-of") == []
    assert all("weather" in (axis.id for axis in load_grammar(name).space.axes) for name in named)
