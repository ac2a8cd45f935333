"""`rldf grammar`: lists, shows, checks and orders grammars."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rldf.cli import workflows
from rldf.cli.manners import FAILED, fail, print_json, say, well_behaved
from rldf.cli.options import AsJson, Debug, Force

if TYPE_CHECKING:
    from rldf.grammar import Locality

Name = Annotated[str, typer.Argument(metavar="GRAMMAR", help="Name of a grammar, or a grammar file.")]

group = typer.Typer(
    name="grammar",
    help="Grammars: axes, terms and the sentences they spell.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@group.command("list", epilog="Example: rldf grammar list")
@well_behaved
def list_all(*, as_json: AsJson = False, debug: Debug = False) -> None:
    """Lists the grammars that ship with the package."""
    del debug
    grammars = [workflows.load_grammar(name) for name in workflows.list_grammars()]
    if as_json:
        print_json(
            {
                "grammars": [
                    {
                        "name": grammar.name,
                        "version": grammar.version,
                        "states": grammar.space.size,
                        "axes": [axis.id for axis in grammar.space.axes],
                    }
                    for grammar in grammars
                ]
            }
        )
        return
    for grammar in grammars:
        axes = ", ".join(f"{axis.id} {len(axis)}" for axis in grammar.space.axes)
        typer.echo(f"{grammar.name:<16} {grammar.space.size:>12,} states   {axes}")


@group.command(epilog="Example: rldf grammar show wide")
@well_behaved
def show(name: Name = "base", *, as_json: AsJson = False, debug: Debug = False) -> None:
    """Shows the axes of a grammar, their terms in order, its rules and some sentences."""
    del debug
    grammar = workflows.load_grammar(name)
    space = grammar.space
    rng = workflows.child_rng(0, "show")
    sentences = [grammar.render(space.sample(rng)) for _ in range(3)]
    rules = [line.strip() for line in str(grammar.cfg).splitlines()[1:]]
    if as_json:
        print_json(
            {
                "name": grammar.name,
                "version": grammar.version,
                "digest": grammar.digest,
                "states": space.size,
                "axes": workflows.axes_to_json(space),
                "rules": rules,
                "sentences": sentences,
            }
        )
        return
    typer.echo(f"{grammar.name} {grammar.version}, {space.size:,} states")
    for axis in space.axes:
        typer.echo(f"\n{axis.id} ({axis.kind}{', optional' if axis.is_optional else ''})\n  {', '.join(axis.terms)}")
    typer.echo("\nrules\n  " + "\n  ".join(rules))
    typer.echo("\nsentences\n  " + "\n  ".join(sentences))


@group.command(epilog="Example: rldf grammar check my-grammar.toml")
@well_behaved
def check(name: Name, *, as_json: AsJson = False, debug: Debug = False) -> None:
    """Checks a grammar file; names file, line and advice for everything that is wrong."""
    del debug
    problems = workflows.check_grammar(name)
    if as_json:
        print_json(
            {
                "grammar": name,
                "is_valid": not problems,
                "problems": [
                    {"file": problem.file, "line": problem.line, "message": problem.message} for problem in problems
                ],
            }
        )
    for problem in problems:
        typer.echo(str(problem), err=True)
    if problems:
        raise typer.Exit(FAILED)
    if not as_json:
        typer.echo(f"{name}: nothing is wrong")


@group.command(epilog="Example: rldf grammar order base --axis object --out ordered.toml")
@well_behaved
def order(
    name: Name,
    *,
    axis: Annotated[str, typer.Option("--axis", help="The axis whose terms are put in order.", show_default=False)],
    embedder: Annotated[
        str, typer.Option("--perception", help="What embeds the terms: 'embedded', a CLIP hub id or a local folder.")
    ] = "embedded",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the grammar file in the new order here.", show_default=False)
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Puts the terms of an axis in the order of their visual likeness, and measures locality."""
    del debug
    if out is not None and out.exists() and not force:
        fail(f"'{out}' exists already; nothing is overwritten. Choose another --out, or give --force.")
    found = workflows.order_axis(name, axis_id=axis, embedder=embedder, announce=say)
    if out is not None:
        out.write_text(found.text, encoding="utf-8")
    told: dict[str, Any] = {
        "axis": found.axis_id,
        "terms": list(found.terms),
        "file": None if out is None else str(out),
        "former": {"path": found.former_path, **_locality(found.former_locality)},
        "new": {"path": found.path, **_locality(found.locality)},
    }
    if as_json:
        print_json(told)
        return
    typer.echo(f"{found.axis_id}: {', '.join(found.terms)}")
    for which in ("former", "new"):
        typer.echo(f"{which} order: " + ", ".join(f"{key} {value:.3f}" for key, value in told[which].items()))


def _locality(locality: "Locality | None") -> dict[str, float]:
    """The numbers of a locality; none where the axis is too short for one."""
    if locality is None:
        return {}
    return {
        "rank_correlation": locality.rank_correlation,
        "neighbour_agreement": locality.neighbour_agreement,
        "chance_agreement": locality.chance_agreement,
    }
