#!/usr/bin/env python3
"""Turns a terminal screen into an SVG picture:   tmux capture-pane -pe | terminal_picture.py TITLE >docs/chat.svg

Understands the colours and bold that `tmux capture-pane -e` prints; everything else is text in a fixed grid.
"""
import html
import re
import sys

CELL_W, CELL_H, PAD, BAR = 8.4, 18, 14, 30
COLOURS = ["#1d1f21", "#d5545a", "#8fb573", "#e5c07b", "#6ba0d8", "#b48ead", "#6bb5b5", "#c8ccd4",
           "#7f848e", "#e06c75", "#a5cf8b", "#f0d197", "#8bbcf0", "#cfaad8", "#8fd0d0", "#ffffff"]


def apply_codes(style, codes):
    values = [int(c or 0) for c in codes.split(";")] if codes else [0]
    for value in values:
        if value == 0:
            style = {}
        elif value == 1:
            style = {**style, "font-weight": "bold"}
        elif value == 2:
            style = {**style, "opacity": "0.6"}
        elif 30 <= value <= 37:
            style = {**style, "fill": COLOURS[value - 30]}
        elif 90 <= value <= 97:
            style = {**style, "fill": COLOURS[value - 82]}
        elif value == 39:
            style = {k: v for k, v in style.items() if k != "fill"}
    return style


def line_spans(line, style):
    spans, column = [], 0
    for text, codes in re.findall(r"([^\x1b]+)|\x1b\[([0-9;]*)m", line):
        if text:
            attributes = "".join(f' {k}="{v}"' for k, v in style.items())
            spans.append(f'<tspan x="{PAD + column * CELL_W:.1f}"{attributes}>{html.escape(text)}</tspan>')
            column += len(text)
        else:
            style = apply_codes(style, codes)
    return "".join(spans), style


def main():
    title = sys.argv[1] if len(sys.argv) > 1 else ""
    lines = sys.stdin.read().rstrip("\n").split("\n")
    width = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines) * CELL_W + 2 * PAD
    height = len(lines) * CELL_H + 2 * PAD + BAR
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
          f'font-family="ui-monospace, DejaVu Sans Mono, monospace" font-size="14" fill="#c8ccd4" xml:space="preserve">')
    print(f'<rect width="100%" height="100%" rx="8" fill="#1d1f21"/>')
    for i, colour in enumerate(("#e06c75", "#e5c07b", "#8fb573")):
        print(f'<circle cx="{PAD + 6 + i * 18}" cy="{BAR / 2 + 2}" r="5.5" fill="{colour}"/>')
    print(f'<text x="50%" y="{BAR / 2 + 7}" text-anchor="middle" fill="#7f848e">{html.escape(title)}</text>')
    style = {}
    for row, line in enumerate(lines):
        spans, style = line_spans(line, style)
        print(f'<text y="{BAR + PAD + (row + 0.75) * CELL_H:.1f}">{spans}</text>')
    print("</svg>")


if __name__ == "__main__":
    main()
