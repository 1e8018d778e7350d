package dev.aerie.quickstart;

import dev.aerie.quickstart.Lexicon.Person;
import dev.aerie.quickstart.Lexicon.Place;
import dev.aerie.quickstart.Lexicon.Thing;
import java.util.ArrayList;
import java.util.List;

/** Sentences to change: tense, person, number, opposites, questions. */
final class Rewrites {

    static final List<Topic> TOPICS =
            List.of(Rewrites::tense, Rewrites::tense, Rewrites::plural, Rewrites::opposite, Rewrites::summary, Rewrites::replace);

    private Rewrites() {}

    private record Verb(String base, String present, String past, String done) {}

    /** With the preposition that leads to the object. */
    private static final List<Verb> VERBS = Lexicon.table("""
            buy|buys|bought|bought
            sell|sells|sold|sold
            find|finds|found|found
            lose|loses|lost|lost
            bring|brings|brought|brought
            carry|carries|carried|carried
            clean|cleans|cleaned|cleaned
            hide|hides|hid|hidden
            choose|chooses|chose|chosen
            draw|draws|drew|drawn
            break|breaks|broke|broken
            steal|steals|stole|stolen
            keep|keeps|kept|kept
            need|needs|needed|needed
            take|takes|took|taken
            see|sees|saw|seen
            forget|forgets|forgot|forgotten
            make|makes|made|made
            use|uses|used|used
            """, f -> new Verb(f[0], f[1], f[2], f[3]));

    private static List<String> tense(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        Verb verb = draw.one(VERBS);
        Thing thing = draw.one(Lexicon.THINGS);
        Place place = draw.one(Lexicon.PLACES);
        String day = draw.one(Lexicon.DAYS);
        String colour = draw.one(Lexicon.COLOURS);
        Object[] slots = {"who", who.name(), "she", who.she(), "base", verb.base, "now", verb.present, "past", verb.past,
            "done", verb.done, "thing", colour + " " + thing.name(), "place", place.name(), "day", day};
        String[][] forms = {
            {"past", "{who} {past} the {thing} at the {place} on {day}."},
            {"future", "{who} will {base} the {thing} at the {place} on {day}."},
            {"perfect", "{who} has {done} the {thing} at the {place}."},
            {"question form", "Does {who} {base} the {thing} at the {place} on {day}?"},
            {"negative", "{who} does not {base} the {thing} at the {place} on {day}."},
        };
        List<String[]> two = draw.some(2, List.of(forms));
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[Put this sentence into the " + two.get(0)[0] + "|Say this in the " + two.get(0)[0]
                + "]: {who} {now} the {thing} at the {place} on {day}.", slots));
        turns.add(draw.say(two.get(0)[1], slots));
        if (draw.chance(0.6)) {
            turns.add(draw.say("[And in the|Now the] " + two.get(1)[0] + ", please.", slots));
            turns.add(draw.say(two.get(1)[1], slots));
        }
        return turns;
    }

    private static List<String> plural(Draw draw) {
        List<Thing> two = draw.some(2, Lexicon.THINGS);
        Thing a = two.get(0);
        Thing b = two.get(1);
        int n = draw.number(2, 9);
        int m = draw.number(2, 9);
        return List.of(
                draw.say("[Change the numbers to {n} and {m}|Write it with {n} and {m}]: I [see|have|need|draw] one {a} and one "
                        + "{b}.", "n", n,
                        "m", m, "a", a.name(), "b", b.name()),
                draw.say("There you are: {n} {as} and {m} {bs}. One {a}, but {n} {as}; one {b}, but {m} {bs}.", "n", n, "m", m,
                        "a", a.name(), "b", b.name(), "as", a.plural(), "bs", b.plural()));
    }

    private static final List<String[]> OPPOSITES = Lexicon.table("""
            large|small
            old|young
            hot|cold
            heavy|light
            long|short
            wet|dry
            full|empty
            rich|poor
            loud|quiet
            early|late
            open|closed
            hard|soft
            bright|dark
            fast|slow
            sweet|sour
            clean|dirty
            wide|narrow
            happy|sad
            strong|weak
            cheap|expensive
            thick|thin
            high|low
            """, f -> f);

    private static List<String> opposite(Draw draw) {
        List<String[]> two = draw.some(2, OPPOSITES);
        int side = draw.number(0, 1);
        String first = two.get(0)[side];
        String second = two.get(1)[1 - side];
        Thing thing = draw.one(Lexicon.THINGS);
        return List.of(
                draw.say("[Say the opposite of this|Turn this into the opposite]: the {thing} is {a} and {b}.", "thing",
                        thing.name(), "a", first, "b",
                        second),
                draw.say("The {thing} is {x} and {y}. The opposite of {a} is {x}, and the opposite of {b} is {y}.", "thing",
                        thing.name(),
                        "a", first, "b", second, "x", two.get(0)[1 - side], "y", two.get(1)[side]));
    }

    private static List<String> summary(Draw draw) {
        List<Person> two = draw.some(2, Lexicon.PEOPLE);
        Place place = draw.one(Lexicon.PLACES);
        List<Thing> things = draw.some(3, draw.chance(0.5) ? Lexicon.THINGS : Lexicon.FOODS);
        String day = draw.one(Lexicon.DAYS);
        String[] t = things.stream().map(Thing::name).toArray(String[]::new);
        return List.of(
                draw.say("[Make one sentence of this|Join these sentences]: {a} met {b} on {day}. They met at the {place}. {a} "
                        + "brought a(n) {x}. {a} also brought a(n) {y}. {b} "
                        + "brought a(n) {z}.", "a", two.get(0).name(), "b", two.get(1).name(), "day", day, "place", place.name(),
                        "x", t[0], "y", t[1], "z", t[2]),
                draw.say("On {day} {a} met {b} at the {place}; {a} brought a(n) {x} and a(n) {y}, and {b} brought a(n) {z}.",
                        "a", two.get(0).name(), "b", two.get(1).name(), "day", day, "place", place.name(),
                        "x", t[0], "y", t[1], "z", t[2]));
    }

    private static List<String> replace(Draw draw) {
        List<Person> two = draw.some(2, Lexicon.PEOPLE);
        Person a = two.get(0);
        Person b = two.get(1);
        Thing thing = draw.one(Lexicon.THINGS);
        Place place = draw.one(Lexicon.PLACES);
        String pattern = draw.one(
                "{who} takes {hers} {thing} and goes to the {place}, because {she} likes to {done} there.",
                "Every day {who} looks for {hers} {thing} near the {place}, and every day {she} hears {heard}.",
                "{who} sold {hers} {thing} at the {place}, and now {she} cannot {use}.");
        return List.of(
                draw.say("[Write this about {b} instead of {a}|Replace {a} by {b}]: ", "a", a.name(), "b", b.name())
                        + draw.say(pattern, "who", a.name(), "she", a.she(), "hers", a.hers(), "thing", thing.name(), "place",
                        place.name(),
                                "done", place.done(), "heard", place.heard(), "use", thing.use()),
                draw.say(pattern, "who", b.name(), "she", b.she(), "hers", b.hers(), "thing", thing.name(), "place", place.name(),
                        "done", place.done(), "heard", place.heard(), "use", thing.use()));
    }
}
