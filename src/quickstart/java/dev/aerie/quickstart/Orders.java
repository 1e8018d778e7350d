package dev.aerie.quickstart;

import dev.aerie.quickstart.Lexicon.Person;
import dev.aerie.quickstart.Lexicon.Place;
import dev.aerie.quickstart.Lexicon.Thing;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Lists to put in order, days to count, hours to add. */
final class Orders {

    static final List<Topic> TOPICS =
            List.of(Orders::byPrice, Orders::alphabet, Orders::kinds, Orders::clock, Orders::days, Orders::packing,
                    Orders::lastOf);

    private static final List<Thing> ALL = Stream.concat(Lexicon.THINGS.stream(), Lexicon.FOODS.stream()).toList();

    private Orders() {}

    private static List<String> byPrice(Draw draw) {
        List<Thing> things = draw.some(3, ALL);
        List<Integer> prices = draw.some(3, java.util.stream.IntStream.rangeClosed(2, 60).boxed().toList());
        boolean rising = draw.chance(0.5);
        List<Integer> order = Stream.of(0, 1, 2)
                .sorted(rising ? Comparator.comparing(prices::get) : Comparator.comparing(prices::get).reversed()).toList();
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[Sort|Order|Put in order]: {a} {x} coins, {b} {y} coins, {c} {z} coins. [Begin|Start] with the "
                + "{first}.",
                "a", things.get(0).name(), "b", things.get(1).name(), "c", things.get(2).name(), "x", prices.get(0),
                "y", prices.get(1), "z", prices.get(2), "first", rising ? "cheapest" : "most expensive"));
        StringBuilder list = new StringBuilder();
        for (int i = 0; i < 3; i++) {
            list.append(i == 0 ? "" : "\n").append(i + 1).append(". ").append(things.get(order.get(i)).name()).append(", ")
                    .append(prices.get(order.get(i))).append(" coins");
        }
        turns.add(list.toString());
        if (draw.chance(0.4)) {
            int sum = prices.get(0) + prices.get(1);
            turns.add(draw.say("What do the {a} and the {b} cost together?", "a", things.get(0).name(), "b",
                    things.get(1).name()));
            turns.add(draw.say("The {a} and the {b} cost {x} + {y} = {s} coins.", "a", things.get(0).name(), "b",
                    things.get(1).name(),
                    "x", prices.get(0), "y", prices.get(1), "s", sum));
        }
        return turns;
    }

    private static List<String> alphabet(Draw draw) {
        boolean people = draw.chance(0.5);
        List<String> words = people ? draw.some(4, Lexicon.PEOPLE).stream().map(Person::name).toList()
                : draw.some(4, Lexicon.PLACES).stream().map(Place::name).toList();
        List<String> sorted = words.stream().sorted().toList();
        return List.of(
                draw.say("[Put these {what} in the order of the alphabet|Sort these {what} by the alphabet|Which of these "
                        + "{what} comes first in the alphabet]: {list}.",
                        "what", people ? "names" : "words", "list", String.join(", ", words)).replaceAll("^(Which.*)\\.$", "$1?"),
                draw.say("In the order of the alphabet the {what} are {list}. The first is {first} and the last is {last}.",
                        "what", people ? "names" : "words", "list", Draw.list(sorted), "first", sorted.get(0), "last",
                        sorted.get(3)));
    }

    private static List<String> kinds(Draw draw) {
        List<String> kinds = draw.some(2, List.of("fruit", "vegetable", "tool", "instrument", "toy", "piece of clothing",
                "thing for the kitchen"));
        List<Thing> mixed = draw.some(2, of(kinds.get(0)));
        List<Thing> others = draw.some(2, of(kinds.get(1)));
        List<Thing> all = draw.some(4, Stream.concat(mixed.stream(), others.stream()).toList());
        String kind = kinds.get(0);
        String many = kind.startsWith("piece") ? "pieces of clothing" : kind.startsWith("thing") ? "things for the kitchen"
                : kind.equals("fruit") ? "fruits" : kind + "s";
        List<String> hits = all.stream().filter(mixed::contains).map(Thing::name).toList();
        return List.of(
                draw.say("[Here are four words|Look at these words]: {list}. [Which are {many}?|Which of them are {many}?]",
                        "list", all.stream().map(Thing::name).collect(Collectors.joining(", ")), "many", many),
                draw.say("The {many} are the {a} and the {b}. The {c} and the {d} are something else.", "many", many, "a",
                        hits.get(0),
                        "b", hits.get(1), "c", rest(all, mixed).get(0), "d", rest(all, mixed).get(1)));
    }

    private static List<Thing> of(String kind) {
        return ALL.stream().filter(t -> t.kind().equals(kind)).toList();
    }

    private static List<String> rest(List<Thing> all, List<Thing> without) {
        return all.stream().filter(t -> !without.contains(t)).map(Thing::name).toList();
    }

    private static List<String> clock(Draw draw) {
        String what = draw.one("train", "bus", "ship", "ferry", "play", "lesson", "concert", "boat");
        boolean goes = List.of("train", "bus", "ship", "ferry", "boat").contains(what);
        Place place = draw.one(Lexicon.PLACES);
        int hour = draw.number(1, 11);
        int minute = draw.number(0, 5) * 10;
        int takes = draw.number(1, 9) * 10;
        int end = hour * 60 + minute + takes;
        String start = hour + ":" + (minute == 0 ? "00" : minute);
        String stop = clockTime(end);
        List<String> turns = new ArrayList<>();
        turns.add(draw.say(goes ? "The {what} to the {place} leaves at {start} and takes {t} minutes. When does it arrive?"
                : "The {what} at the {place} begins at {start} and lasts {t} minutes. When does it end?", "what", what, "place",
                place.name(),
                "start", start, "t", takes));
        turns.add(draw.say((goes ? "The {what} leaves at {start}." : "The {what} begins at {start}.")
                        + " {t} minutes later it is {stop}. " + (goes ? "It arrives at the {place} at {stop}." : "It ends at "
                        + "{stop}."),
                "what", what, "start", start, "t", takes, "stop", stop, "place", place.name()));
        if (draw.chance(0.4)) {
            int late = draw.number(1, 3) * 10;
            turns.add(draw.say("[It is {k} minutes late.|And if it is {k} minutes late?]", "k", late));
            turns.add(draw.say("Then it " + (goes ? "arrives" : "ends") + " {k} minutes after {stop}, at {then}.", "k", late,
                    "stop", stop,
                    "then", clockTime(end + late)));
        }
        return turns;
    }

    private static String clockTime(int minutes) {
        int hour = (minutes / 60 - 1) % 12 + 1;
        int minute = minutes % 60;
        return hour + ":" + (minute == 0 ? "00" : minute);
    }

    private static List<String> days(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        int day = draw.number(0, 6);
        int after = draw.number(1, 6);
        Place place = draw.one(Lexicon.PLACES);
        List<String> between = new ArrayList<>();
        for (int i = 1; i <= after; i++) {
            between.add(Lexicon.DAYS.get((day + i) % 7));
        }
        return List.of(
                draw.say("Today is {day}. In {n} day{s} {who} goes to the {place}. [What day is that?|On which day does {she} "
                        + "go?]", "day",
                        Lexicon.DAYS.get(day), "n", after, "s", after == 1 ? "" : "s", "who", who.name(), "place", place.name(),
                        "she", who.she()),
                draw.say("After {day} " + (after == 1 ? "comes" : "come") + " {list}. {who} goes to the {place} on {end}.", "day",
                        Lexicon.DAYS.get(day), "list", Draw.list(between), "who", who.name(), "place", place.name(),
                        "end", between.get(after - 1)));
    }

    private static List<String> packing(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        Place place = draw.one(Lexicon.PLACES);
        int n = draw.number(3, 4);
        List<Thing> have = draw.some(n, Lexicon.THINGS);
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("{who} packs for the {place}: {list}. [Write a list that says what each is for.|Why does {she} take "
                + "these things?]",
                "who", who.name(), "place", place.name(), "she", who.she(),
                "list", Draw.list(have.stream().map(Thing::name).toList())));
        StringBuilder answer = new StringBuilder(draw.say("For the {place} {who} takes:", "place", place.name(), "who",
                who.name()));
        for (Thing t : have) {
            answer.append("\n- the ").append(t.name()).append(" to ").append(t.use());
        }
        turns.add(answer.toString());
        if (draw.chance(0.5)) {
            Thing gone = draw.one(have);
            turns.add(draw.say("{who} [leaves the {x} at home.|forgets the {x}.] What is [still in the bag|left]?", "who",
                    who.name(), "x", gone.name()));
            turns.add(draw.say("Without the {x}, {who} still has {list}.", "x", gone.name(), "who", who.name(),
                    "list", Draw.list(have.stream().filter(t -> t != gone).map(t -> "the " + t.name()).toList())));
        }
        return turns;
    }

    private static List<String> lastOf(Draw draw) {
        int n = draw.number(4, 5);
        boolean names = draw.chance(0.5);
        List<String> words = names ? draw.some(n, Lexicon.PEOPLE).stream().map(Person::name).toList() : draw.some(n,
                Lexicon.COLOURS);
        List<String> backwards = new ArrayList<>(words);
        java.util.Collections.reverse(backwards);
        int k = draw.number(0, n - 1);
        String[] nth = {"first", "second", "third", "fourth", "fifth"};
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[Say this list backwards|Turn this list around]: {list}.", "list", String.join(", ", words)));
        turns.add(draw.say("{list}.", "list", String.join(", ", backwards)));
        turns.add(draw.say("[What was the {nth} of my list?|Which one was {nth} in my list?]", "nth", nth[k]));
        turns.add(draw.say("The {nth} of your {n} {what} was {x}.", "nth", nth[k], "n", n, "what", names ? "names" : "colours",
                "x", words.get(k)));
        return turns;
    }
}
