package dev.aerie.quickstart;

import dev.aerie.quickstart.Lexicon.Animal;
import dev.aerie.quickstart.Lexicon.Person;
import dev.aerie.quickstart.Lexicon.Thing;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What things and animals are, how they differ, and riddles about them. */
final class Things {

    static final List<Topic> TOPICS =
            List.of(Things::definition, Things::comparison, Things::comparison, Things::animals, Things::riddle, Things::choice);

    private static final List<Thing> ALL = Stream.concat(Lexicon.THINGS.stream(), Lexicon.FOODS.stream()).toList();

    private Things() {}

    private static List<String> definition(Draw draw) {
        List<Thing> two = draw.some(2, Lexicon.THINGS);
        Thing a = two.get(0);
        Thing b = two.get(1);
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[What is|Explain to me|Tell me what you know about] a(n) {a} and a(n) {b}.", "a", a.name(), "b",
                b.name()).replaceAll("^(What is.*)\\.$", "$1?"));
        turns.add(draw.say("A(n) {a} is a(n) {ka}. It is {la} and made of {ma}, and people use it to {ua}. A(n) {b} is "
                        + (a.kind().equals(b.kind()) ? "also a(n) {kb}" : "a(n) {kb}")
                        + ". It is {lb} and made of {mb}, and people use it to {ub}.",
                "a", a.name(), "ka", a.kind(), "la", a.looks(), "ma", a.matter(), "ua", a.use(),
                "b", b.name(), "kb", b.kind(), "lb", b.looks(), "mb", b.matter(), "ub", b.use()));
        if (draw.chance(0.5)) {
            Thing asked = draw.one(two);
            boolean first = asked == a;
            turns.add(draw.say("[What does the {n} one cost?|How much is the {n} one?]", "n", first ? "first" : "second"));
            turns.add(draw.say("The {n} one is the {x}. A(n) {x} costs about {p} coins.", "n", first ? "first" : "second",
                    "x", asked.name(), "p", asked.price()));
        }
        return turns;
    }

    private static List<String> comparison(Draw draw) {
        List<Thing> two = draw.some(2, draw.chance(0.7) ? Lexicon.THINGS : Lexicon.FOODS);
        Thing a = two.get(0);
        Thing b = two.get(1);
        boolean price = draw.chance(0.5);
        int x = draw.number(2, 40);
        int y = draw.number(2, 40);
        while (y == x) {
            y = draw.number(2, 40);
        }
        String more = price ? "more expensive" : "heavier";
        String unit = price ? "coins" : "pounds";
        String verb = price ? "costs" : "weighs";
        Thing winner = x > y ? a : b;
        Thing loser = x > y ? b : a;
        int high = Math.max(x, y);
        int low = Math.min(x, y);
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[This {a} {verb} {x} {unit} and that {b} {verb} {y} {unit}.|The {a} {verb} {x} {unit}, the {b} "
                + "{verb} {y} {unit}.] "
                        + "[Which is {more}, and by how much?|Which of the two is {more}?|Compare them.]",
                "a", a.name(), "b", b.name(), "verb", verb, "x", x, "y", y, "unit", unit, "more", more));
        turns.add(draw.say("The {w} is {more} than the {l}. It {verb} {high} {unit} and the {l} {verb} {low}, so the difference "
                + "is "
                        + "{high} - {low} = {d} {unit}.",
                "w", winner.name(), "l", loser.name(), "more", more, "verb", verb, "high", high, "low", low, "d", high - low,
                "unit", unit));
        if (draw.chance(0.4)) {
            turns.add(draw.say("[And both together?|What about both together?]"));
            turns.add(draw.say("Together the {a} and the {b} " + (price ? "cost" : "weigh") + " {x} + {y} = {s} {unit}.", "a",
                    a.name(),
                    "b", b.name(), "x", x, "y", y, "s", x + y, "unit", unit));
        }
        return turns;
    }

    private static List<String> animals(Draw draw) {
        List<Animal> two = draw.some(2, Lexicon.ANIMALS);
        Animal a = two.get(0);
        Animal b = two.get(1);
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[What is the difference between|How do I tell apart|Compare] a(n) {a} and a(n) {b}?", "a", a.name(),
                "b", b.name())
                .replaceAll("^(Compare.*)\\?$", "$1."));
        turns.add(draw.say("A(n) {a} is {la} and lives in a(n) {ha}. It eats {fa}. A(n) {b} is {lb} and lives in a(n) {hb}. It "
                + "eats {fb}. "
                        + "The {a} {sa}, but the {b} {sb}.",
                "a", a.name(), "la", a.looks(), "ha", a.home(), "fa", a.food(), "sa", a.sound(),
                "b", b.name(), "lb", b.looks(), "hb", b.home(), "fb", b.food(), "sb", b.sound()));
        if (draw.chance(0.5)) {
            Animal asked = draw.one(two);
            turns.add(draw.say("[Which of them {deed}?|Which one {deed}?]", "deed", asked.deed()));
            turns.add(draw.say("It is the {x} that {deed}.", "x", asked.name(), "deed", asked.deed()));
        }
        return turns;
    }

    private static List<String> riddle(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        if (draw.chance(0.5)) {
            Animal a = draw.one(Lexicon.ANIMALS);
            return List.of(
                    draw.say("[Guess the animal of {who}|A riddle from {who}]: it is {looks}, it eats {food} and it {deed}. "
                            + "What is it?",
                            "who", who.name(), "looks", a.looks(), "food", a.food(), "deed", a.deed()),
                    draw.say("{who} means a(n) {a}. It is {looks}, lives in a(n) {home} and {sound}.", "who", who.name(), "a",
                            a.name(),
                            "looks", a.looks(), "home", a.home(), "sound", a.sound()));
        }
        Thing t = draw.one(Lexicon.THINGS);
        return List.of(
                draw.say("[{who} has something in {hers} bag.|Guess what {who} has.] It is {looks}, it is made of {matter} and "
                        + "{she} uses it to {use}. What is it?",
                        "who", who.name(), "hers", who.hers(), "she", who.she(), "looks", t.looks(), "matter", t.matter(), "use",
                        t.use()),
                draw.say("{who} has a(n) {t}. It is a(n) {kind} and costs about {p} coins.", "who", who.name(), "t", t.name(),
                        "kind", t.kind(),
                        "p", t.price()));
    }

    private static List<String> choice(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        List<Thing> three = draw.some(3, ALL);
        Thing right = draw.one(three);
        List<String> names = three.stream().map(Thing::name).toList();
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("{who} wants to {use}. [Does {she} need|Should {she} take] a(n) {a}, a(n) {b} or a(n) {c}?", "who",
                who.name(),
                "she", who.she(), "use", right.use(), "a", names.get(0), "b", names.get(1), "c", names.get(2)));
        turns.add(draw.say("To {use}, {who} needs the {x}. It is {looks} and costs {p} coins. The other two, the {y} and the "
                + "{z}, "
                        + "are not for that.", "who", who.name(), "use", right.use(), "x", right.name(), "looks", right.looks(),
                "p", right.price(), "y", names.stream().filter(n -> !n.equals(right.name())).toList().get(0),
                "z", names.stream().filter(n -> !n.equals(right.name())).toList().get(1)));
        return turns;
    }
}
