"""Writes the command lines that the installed official client understands, as JSON: one list of commands per tree."""

import argparse
import importlib
import json
import sys

import click


def click_params(command):
    for param in command.params:
        choices = getattr(param.type, "choices", None)
        default = param.default
        plain = isinstance(default, (str, int, float)) and not isinstance(default, bool)
        yield {
            "options": param.opts + param.secondary_opts if param.param_type_name == "option" else [],
            "flag": bool(getattr(param, "is_flag", False)),
            "required": bool(param.required),
            "many": param.nargs == -1,
            "values": max(param.nargs, 1),
            "choices": list(choices) if choices else None,
            "default": str(default) if plain else None,
            "repeats": bool(getattr(param, "multiple", False)),
            "variable": param.envvar,
        }


def click_tree():
    from rucio.cli.command import main

    main.lazy_subcommands = set(main.COMMAND_MAP)
    nodes = []

    def walk(command, path):
        nodes.append({"path": path, "aliases": [], "params": list(click_params(command))})
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                walk(command.get_command(context, name), path + [name])

    walk(main, [])
    return nodes


def argparse_params(parser):
    for action in parser._actions:
        if isinstance(action, (argparse._SubParsersAction, argparse._HelpAction, argparse._VersionAction)):
            continue
        takes_none = action.nargs == 0
        default = None if takes_none or action.default in (None, False, argparse.SUPPRESS) else str(action.default)
        yield {
            "options": action.option_strings,
            "flag": takes_none,
            "required": bool(action.required) and action.nargs not in ("?", "*"),
            "many": action.nargs in ("+", "*"),
            "values": 1,
            "choices": [str(choice) for choice in action.choices] if action.choices else None,
            "default": default,
            "repeats": isinstance(action, argparse._AppendAction),
            "variable": None,
        }


def argparse_tree(module):
    nodes = []

    def walk(parser, names, above):
        path = above + names[:1]
        nodes.append({"path": path, "aliases": names[1:], "params": list(argparse_params(parser))})
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                by_parser = {}
                for name, child in action.choices.items():
                    by_parser.setdefault(id(child), (child, []))[1].append(name)
                for child, child_names in by_parser.values():
                    walk(child, child_names, path)

    walk(importlib.import_module("rucio.cli.bin_legacy." + module).get_parser(), [], [])
    return nodes


trees = {"new": click_tree(), "old": argparse_tree("rucio"), "admin": argparse_tree("rucio_admin")}
json.dump(trees, sys.stdout)
