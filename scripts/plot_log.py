#!/usr/bin/python3
"""Draws what `bench/log` prints, as SVG: microseconds over the number of leaves, which go by powers of
ten: what is O(log n) is a straight line, and what is O(n) is none.

Usage: plot_log.py <TIMES >PLOT.svg
"""
import math
import sys

SERIES = [(1, "append", "#1f77b4"), (2, "its hashes alone", "#aec7e8"), (3, "inclusion proof", "#d62728"),
          (4, "consistency proof", "#ff7f0e"), (5, "verifying one", "#2ca02c")]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 60, 160, 20, 50


def nice_top(value):
    power = 10 ** math.floor(math.log10(value))
    return next(m * power for m in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if m * power >= value)


def main():
    rows = [[float(word) for word in line.split()] for line in sys.stdin if line.strip()]
    low, high = math.log10(rows[0][0]), math.log10(rows[-1][0])
    top = nice_top(max(max(row[1:6]) for row in rows))

    def x(leaves):
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(leaves) - low) / (high - low)

    def y(time):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * time / top

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           'font-size="12"><title>The log of decisions as it grows</title>'
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for power in range(math.ceil(low), math.floor(high) + 1):
        at = x(10 ** power)
        out.append(f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>'
                   f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">10<tspan dy="-5" '
                   f'font-size="9">{power}</tspan></text>')
    for step in range(6):
        time = top * step / 5
        out.append(f'<path d="M{LEFT} {y(time):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 6}" y="{y(time) + 4:.1f}" text-anchor="end">{time:g}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">leaves</text>'
               f'<text x="14" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 {HEIGHT / 2})">µs</text>')
    for number, (column, name, colour) in enumerate(SERIES):
        line = " ".join(f"{x(row[0]):.1f},{y(row[column]):.1f}" for row in rows)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x(row[0]):.1f}" cy="{y(row[column]):.1f}" r="2.5" fill="{colour}"/>' for row in rows]
        at = TOP + 20 + 20 * number
        out.append(f'<path d="M{WIDTH - RIGHT + 12} {at - 4}h18" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{WIDTH - RIGHT + 36}" y="{at}">{name}</text>')
    print("\n".join(out) + "\n</svg>")


if __name__ == "__main__":
    main()
