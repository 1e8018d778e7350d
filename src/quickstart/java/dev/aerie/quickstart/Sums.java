package dev.aerie.quickstart;

import dev.aerie.quickstart.Lexicon.Person;
import dev.aerie.quickstart.Lexicon.Thing;
import java.util.ArrayList;
import java.util.List;

/** Word problems with worked answers, small enough to be done in the head. */
final class Sums {

    static final List<Topic> TOPICS = List.of(Sums::shopping, Sums::giving, Sums::sharing, Sums::saving, Sums::travelling,
            Sums::change, Sums::ages, Sums::rows);

    private Sums() {}

    private static List<String> shopping(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        List<Thing> two = draw.some(2, draw.chance(0.5) ? Lexicon.FOODS : cheapThings());
        Thing first = two.get(0);
        Thing second = two.get(1);
        int n = draw.number(2, 9);
        int m = draw.number(2, 9);
        int a = n * first.price();
        int b = m * second.price();
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("{who} [buys|wants to buy|takes] {n} {first} and {m} {second}. "
                        + "[One {one} costs {p} coins and one {other} costs {q} coins.|A(n) {one} costs {p} coins, a(n) {other} "
                        + "{q} coins.] "
                        + "[How much does {she} pay?|What is the price of everything?|How many coins does {she} need?]",
                "who", who.name(), "she", who.she(), "n", n, "m", m, "first", first.plural(), "second", second.plural(),
                "one", first.name(), "other", second.name(), "p", first.price(), "q", second.price()));
        turns.add(draw.say("The {first} cost {n} times {p}, which is {a} coins. The {second} cost {m} times {q}, which is {b} "
                        + "coins. Together that is {a} + {b} = {sum} coins. {who} pays {sum} coins.",
                "who", who.name(), "n", n, "m", m, "first", first.plural(), "second", second.plural(),
                "p", first.price(), "q", second.price(), "a", a, "b", b, "sum", a + b));
        if (draw.chance(0.4)) {
            int more = draw.number(1, 5);
            int sum = a + b + more * first.price();
            turns.add(draw.say("[And if {she} buys {k} more {first}?|What if {she} takes {k} {first} more?]",
                    "she", who.she(), "k", more, "first", more == 1 ? first.name() : first.plural()));
            turns.add(draw.say("{k} more {first} cost {k} times {p}, which is {c} coins. Then {who} pays {old} + {c} = {sum} "
                    + "coins.",
                    "who", who.name(), "k", more, "first", more == 1 ? first.name() : first.plural(), "p", first.price(),
                    "c", more * first.price(), "old", a + b, "sum", sum));
        }
        return turns;
    }

    private static List<String> giving(Draw draw) {
        List<Person> two = draw.some(2, Lexicon.PEOPLE);
        Thing thing = draw.one(draw.chance(0.5) ? Lexicon.FOODS : cheapThings());
        int had = draw.number(12, 60);
        int gave = draw.number(2, 9);
        int found = draw.number(2, 9);
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("{who} has {n} {things}. {she} gives {k} of them to {friend} [and then finds {m} more|and later gets "
                + "{m} more]. "
                        + "How many {things} does {who} have [now|in the end]?",
                "who", two.get(0).name(), "she", two.get(0).she(), "friend", two.get(1).name(), "n", had, "k", gave, "m", found,
                "things", thing.plural()));
        turns.add(draw.say("{who} starts with {n} {things}. After giving {k} to {friend}, {she} has {n} - {k} = {left}. "
                        + "With {m} more, {she} has {left} + {m} = {end}. The answer is {end} {things}.",
                "who", two.get(0).name(), "she", two.get(0).she(), "friend", two.get(1).name(), "n", had, "k", gave, "m", found,
                "left", had - gave, "end", had - gave + found, "things", thing.plural()));
        if (draw.chance(0.4)) {
            turns.add(draw.say("[And how many did {friend} get?|How many did {she} give to {friend}?]", "friend",
                    two.get(1).name(),
                    "she", two.get(0).she()));
            turns.add(draw.say("{friend} got {k} {things} from {who}.", "friend", two.get(1).name(), "k", gave,
                    "things", thing.plural(), "who", two.get(0).name()));
        }
        return turns;
    }

    private static List<String> sharing(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        Thing food = draw.one(Lexicon.FOODS);
        String guests = draw.one("children", "friends", "neighbours", "guests", "sailors", "pupils");
        int each = draw.number(2, 9);
        int people = draw.number(2, 9);
        int rest = draw.chance(0.4) ? draw.number(1, people - 1) : 0;
        int all = each * people + rest;
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("{who} shares {all} {food} [equally|fairly] among {k} {guests}. "
                        + "How many {food} does each of them get[, and how many are left|? Are any left over]?",
                "who", who.name(), "all", all, "food", food.plural(), "k", people, "guests", guests));
        turns.add(draw.say("{all} divided by {k} is {each}" + (rest > 0 ? " with {rest} left over" : "")
                        + ", because {k} times {each} is {even}. Each of the {k} {guests} gets {each} {food}, and "
                        + (rest > 0 ? "{rest} [are|remain] left." : "nothing is left."),
                "all", all, "k", people, "each", each, "rest", rest, "even", each * people, "guests", guests,
                "food", food.plural()));
        return turns;
    }

    private static List<String> saving(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        Thing thing = draw.one(Lexicon.THINGS.stream().filter(t -> t.price() > 11).toList());
        int week = draw.number(2, 9);
        int weeks = (thing.price() + week - 1) / week;
        String period = draw.one("week", "month", "day");
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[A(n) {thing} costs {p} coins.|The price of a(n) {thing} is {p} coins.] {who} saves {n} coins every "
                + "{week}. "
                        + "[After how many {week}s can {she} buy it?|How many {week}s must {she} wait?]",
                "thing", thing.name(), "p", thing.price(), "who", who.name(), "she", who.she(), "n", week, "week", period));
        turns.add(draw.say("{who} saves {n} coins every {week}. After {w} {week}s {she} has {w} times {n} = {sum} coins. "
                        + (weeks * week == thing.price() ? "That is exactly" : "That is enough for")
                        + " the {p} coins of the {thing}. {she} must wait {w} {week}s.",
                "thing", thing.name(), "p", thing.price(), "who", who.name(), "she", who.she(), "n", week, "week", period,
                "w", weeks, "sum", weeks * week));
        return turns;
    }

    private static List<String> travelling(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        String from = draw.one(Lexicon.PLACES).name();
        String to = draw.one(Lexicon.PLACES.stream().filter(p -> !p.name().equals(from)).toList()).name();
        int speed = draw.number(2, 9);
        int hours = draw.number(2, 9);
        String way = draw.one("walks", "rides", "drives", "rows", "skates");
        if (draw.chance(0.5)) {
            return List.of(
                    draw.say("{who} {goes} from the {from} to the {to} at {v} miles an hour. The way takes {h} hours. How "
                            + "[far|long] is "
                            + "the way?", "who", who.name(), "goes", way, "from", from, "to", to, "v", speed, "h", hours),
                    draw.say("{who} {goes} {v} miles every hour. In {h} hours that makes {h} times {v}, which is {d} miles. "
                                    + "It is {d} miles from the {from} to the {to}.",
                            "who", who.name(), "goes", way, "from", from, "to", to, "v", speed, "h", hours, "d", speed * hours));
        }
        return List.of(
                draw.say("It is {d} miles from the {from} to the {to}. {who} {goes} {v} miles an hour. How [long does {she} "
                        + "need|many hours "
                                + "does it take {her}]?", "who", who.name(), "goes", way, "from", from, "to", to, "v", speed,
                        "d", speed * hours, "she", who.she(), "her", who.her()),
                draw.say("{who} {goes} {v} miles every hour. {d} divided by {v} is {h}. {she} needs {h} hours from the {from} "
                        + "to the {to}.",
                        "who", who.name(), "goes", way, "from", from, "to", to, "v", speed, "h", hours, "d", speed * hours,
                        "she", who.she()));
    }

    private static List<String> change(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        Thing thing = draw.one(Lexicon.THINGS);
        int paid = (thing.price() / 10 + draw.number(1, 2)) * 10;
        return List.of(
                draw.say("[How much change does {who} get|How many coins does {who} get back] if {she} [buys|pays for] a(n) "
                        + "{thing} for {p} "
                        + "coins with {paid} coins?", "who", who.name(), "she", who.she(), "thing", thing.name(),
                        "p", thing.price(), "paid", paid),
                draw.say("The {thing} costs {p} coins and {who} gives {paid}. {paid} - {p} = {back}, so {she} gets {back} coins "
                        + "back.",
                        "who", who.name(), "she", who.she(), "thing", thing.name(), "p", thing.price(), "paid", paid,
                        "back", paid - thing.price()));
    }

    private static List<String> ages(Draw draw) {
        List<Person> three = draw.some(3, Lexicon.PEOPLE);
        int a = draw.number(6, 30);
        int older = draw.number(2, 9);
        int younger = draw.number(2, 5);
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("{a} is {n} years old. {b} is {k} years older than {a}, and {c} is {m} years younger than {b}. "
                        + "How old [is {c}|are {b} and {c}]?",
                "a", three.get(0).name(), "b", three.get(1).name(), "c", three.get(2).name(), "n", a, "k", older, "m", younger));
        turns.add(draw.say("{b} is {n} + {k} = {x} years old. {c} is {x} - {m} = {y} years old.",
                "b", three.get(1).name(), "c", three.get(2).name(), "n", a, "k", older, "m", younger, "x", a + older,
                "y", a + older - younger));
        if (draw.chance(0.5)) {
            int years = draw.number(2, 9);
            turns.add(draw.say("How old will {b} be in {t} years?", "b", three.get(1).name(), "t", years));
            turns.add(draw.say("In {t} years {b} will be {x} + {t} = {z} years old.", "b", three.get(1).name(), "t", years,
                    "x", a + older, "z", a + older + years));
        }
        return turns;
    }

    private static List<String> rows(Draw draw) {
        String what = draw.one("chairs in the theatre", "trees in the orchard", "books on the shelf", "beds in the garden",
                "boxes in the cellar", "boats in the harbour", "desks in the school", "bottles in the pantry");
        int rows = draw.number(3, 9);
        int each = draw.number(3, 9);
        int gone = draw.number(2, 9);
        String thing = what.substring(0, what.indexOf(' '));
        String where = what.substring(what.indexOf(' ') + 1);
        return List.of(
                draw.say("There are {r} rows of {e} {what}. [{g} of the {thing} are broken.|Someone takes {g} of the {thing} "
                        + "away.] How many "
                        + "good {thing} are [still there|left]?", "r", rows, "e", each, "what", what, "thing", thing, "g", gone),
                draw.say("{r} rows of {e} make {r} times {e} = {all} {thing}. Without the {g} there are {all} - {g} = {left} "
                                + "{thing} left {where}.",
                        "r", rows, "e", each, "thing", thing, "where", where, "g", gone, "all", rows * each,
                        "left", rows * each - gone));
    }

    private static List<Thing> cheapThings() {
        return Lexicon.THINGS.stream().filter(t -> t.price() < 12).toList();
    }
}
