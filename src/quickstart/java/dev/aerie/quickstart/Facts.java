package dev.aerie.quickstart;

import dev.aerie.quickstart.Lexicon.Animal;
import dev.aerie.quickstart.Lexicon.Job;
import dev.aerie.quickstart.Lexicon.Person;
import dev.aerie.quickstart.Lexicon.Place;
import dev.aerie.quickstart.Lexicon.Thing;
import java.util.ArrayList;
import java.util.List;

/** A few facts about a small world, and questions that only they answer. */
final class Facts {

    static final List<Topic> TOPICS = List.of(Facts::homes, Facts::homes, Facts::week, Facts::whereThingsAre, Facts::street,
            Facts::portrait, Facts::contest);

    private Facts() {}

    /** What is said of one person. */
    private record Entry(Person who, String where, String door, Job job, Animal pet) {}

    private static List<String> homes(Draw draw) {
        List<Person> people = draw.some(3, Lexicon.PEOPLE);
        List<Place> places = draw.some(3, Lexicon.PLACES);
        List<String> doors = draw.some(3, Lexicon.COLOURS);
        List<Job> jobs = draw.some(3, Lexicon.JOBS);
        List<Animal> pets = draw.some(3, Lexicon.ANIMALS);
        List<Entry> entries = new ArrayList<>();
        StringBuilder facts = new StringBuilder();
        int shape = draw.number(0, 2);
        for (int i = 0; i < 3; i++) {
            Entry e = new Entry(people.get(i), places.get(i).name(), doors.get(i), jobs.get(i), pets.get(i));
            entries.add(e);
            String pattern = List.of(
                    "{who} is a(n) {job}, lives near the {where} and has a(n) {door} door. ",
                    "{who}, the {job}, lives behind the {door} door near the {where}. ",
                    "Near the {where} lives {who}, who works as a(n) {job} and has a(n) {door} door. ").get(shape);
            facts.append(draw.say(pattern, "who", e.who.name(), "where", e.where, "door", e.door, "job", e.job.name(),
                    "pet", e.pet.name()));
        }
        Entry first = draw.one(entries);
        Entry second = draw.one(entries.stream().filter(e -> e != first).toList());
        List<String> turns = new ArrayList<>();
        String[] one = question(draw, first);
        turns.add(facts + one[0]);
        turns.add(one[1]);
        if (draw.chance(0.6)) {
            String[] two = question(draw, second);
            turns.add("And " + Character.toLowerCase(two[0].charAt(0)) + two[0].substring(1));
            turns.add(two[1]);
        }
        return turns;
    }

    private static String[] question(Draw draw, Entry e) {
        String name = e.who.name();
        return draw.one(List.of(
                new String[] {"Where does " + name + " live?", draw.say("{who} lives near the {where}, behind the {door} door.",
                        "who", name, "where", e.where, "door", e.door)},
                new String[] {"What does " + name + " do?", draw.say("{who} is a(n) {job}. A(n) {job} {works} and needs {needs}.",
                        "who", name, "job", e.job.name(), "works", e.job.works(), "needs", e.job.needs())},
                new String[] {"Who lives near the " + e.where + "?", draw.say("That is {who}, the {job} with the {door} door.",
                        "who", name, "job", e.job.name(), "door", e.door)},
                new String[] {"Who has the " + e.door + " door?", draw.say("The {door} door belongs to {who}, the {job}. {she} "
                        + "lives near "
                        + "the {where}.", "who", name, "job", e.job.name(), "door", e.door, "she", e.who.she(), "where",
                        e.where)},
                new String[] {"What colour is the door of the " + e.job.name() + "?", draw.say("The {job} is {who}, and {hers} "
                        + "door is {door}.", "who", name, "job", e.job.name(), "door", e.door, "hers", e.who.hers())}));
    }

    private static List<String> week(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        int start = draw.number(0, 3);
        List<String> deeds = draw.some(4, List.of("swims in the lake", "visits the market", "paints the fence", "bakes bread",
                "mends old shoes", "plays the violin", "writes letters", "works in the garden", "feeds the hens",
                "reads in the library", "cleans the kitchen", "learns to sing", "rows a boat", "helps at the farm",
                "meets an old friend", "goes to the theatre"));
        StringBuilder plan = new StringBuilder();
        for (int i = 0; i < 4; i++) {
            plan.append("On ").append(Lexicon.DAYS.get(start + i)).append(' ').append(i == 0 ? who.name() : who.she()).append(' ')
                    .append(deeds.get(i)).append(". ");
        }
        int asked = draw.number(0, 3);
        int then = draw.number(0, 3);
        List<String> turns = new ArrayList<>();
        if (draw.chance(0.5)) {
            turns.add(plan + draw.say("What does {who} do on {day}?", "who", who.name(), "day", Lexicon.DAYS.get(start + asked)));
            turns.add(draw.say("On {day} {who} {deed}.", "who", who.name(), "day", Lexicon.DAYS.get(start + asked),
                    "deed", deeds.get(asked)));
        } else {
            turns.add(plan + draw.say("[Make|Write] a short plan of the week.", "who", who.name()));
            StringBuilder list = new StringBuilder("Here is the plan of " + who.name() + ":");
            for (int i = 0; i < 4; i++) {
                list.append('\n').append(Lexicon.DAYS.get(start + i)).append(": ").append(deeds.get(i));
            }
            turns.add(list.toString());
        }
        if (draw.chance(0.5) && then < 3) {
            turns.add(draw.say("And what comes on the day after {day}?", "day", Lexicon.DAYS.get(start + then)));
            turns.add(draw.say("The day after {day} is {next}. On {next} {she} {deed}.", "day", Lexicon.DAYS.get(start + then),
                    "next", Lexicon.DAYS.get(start + then + 1), "she", who.she(), "deed", deeds.get(then + 1)));
        }
        return turns;
    }

    private static List<String> whereThingsAre(Draw draw) {
        List<Thing> things = draw.some(4, Lexicon.THINGS);
        List<String> rooms = draw.some(4, Lexicon.ROOMS);
        Person who = draw.one(Lexicon.PEOPLE);
        int moved = draw.number(0, 3);
        String target = draw.one(Lexicon.ROOMS.stream().filter(r -> !rooms.contains(r)).toList());
        StringBuilder facts = new StringBuilder();
        for (int i = 0; i < 4; i++) {
            facts.append(draw.say("The {thing} is in the {room}. ", "thing", things.get(i).name(), "room", rooms.get(i)));
        }
        List<String> turns = new ArrayList<>();
        int asked = draw.number(0, 3);
        if (draw.chance(0.5)) {
            turns.add(facts + draw.say("Where [is|can I find] the {thing}?", "thing", things.get(asked).name()));
            turns.add(draw.say("The {thing} is in the {room}, and it is {looks}.", "thing", things.get(asked).name(),
                    "room", rooms.get(asked), "looks", things.get(asked).looks()));
        } else {
            turns.add(facts + draw.say("What is in the {room}?", "room", rooms.get(asked)));
            turns.add(draw.say("In the {room} there is the {thing}. You can use it to {use}.", "thing", things.get(asked).name(),
                    "room", rooms.get(asked), "use", things.get(asked).use()));
        }
        turns.add(draw.say("{who} [carries|moves|brings] the {thing} to the {to}. [Where is it now?|Where must I look for it?]",
                "who", who.name(), "thing", things.get(moved).name(), "to", target));
        turns.add(draw.say("{who} took the {thing} from the {room}, so now it is in the {to}.", "who", who.name(),
                "thing", things.get(moved).name(), "room", rooms.get(moved), "to", target));
        return turns;
    }

    private static List<String> street(Draw draw) {
        List<Place> row = draw.some(4, Lexicon.PLACES);
        String[] n = row.stream().map(Place::name).toArray(String[]::new);
        String side = draw.one("north", "south", "east", "west");
        String back = switch (side) {
            case "north" -> "south";
            case "south" -> "north";
            case "east" -> "west";
            default -> "east";
        };
        int from = draw.number(0, 2);
        int to = draw.number(from + 1, 3);
        boolean forwards = draw.chance(0.5);
        String facts = draw.say("The {b} is {side} of the {a}. The {c} is {side} of the {b}. The {d} is {side} of the {c}. ",
                "a", n[0], "b", n[1], "c", n[2], "d", n[3], "side", side);
        String way = forwards ? side : back;
        List<String> passed = new ArrayList<>();
        for (int i = from + 1; i < to; i++) {
            passed.add(forwards ? n[i] : n[to - (i - from)]);
        }
        String start = forwards ? n[from] : n[to];
        String end = forwards ? n[to] : n[from];
        String pass = passed.isEmpty() ? "You do not pass anything else."
                : "On the way you pass " + Draw.list(passed.stream().map(p -> "the " + p).toList()) + ".";
        return List.of(
                facts + draw.say("How do I get from the {start} to the {end}?", "start", start, "end", end),
                draw.say("Go {way} from the {start} until you reach the {end}. {pass} At the {end} you will hear {heard}.",
                        "start", start, "end", end, "way", way, "pass", pass,
                        "heard", (forwards ? row.get(to) : row.get(from)).heard()));
    }

    private static List<String> portrait(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        Job job = draw.one(Lexicon.JOBS);
        Animal pet = draw.one(Lexicon.ANIMALS);
        Place place = draw.one(Lexicon.PLACES);
        int age = draw.number(20, 79);
        String hair = draw.one("short grey", "long black", "curly brown", "red", "white");
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[Describe|Write about|Tell me about] {who}. Name: {who}. Age: {age}. Work: {job}. Home: near the "
                + "{place}. Hair: {hair}. "
                + "Animal: {pet}.", "who", who.name(), "age", age, "job", job.name(), "place", place.name(), "hair", hair,
                "pet", pet.name()));
        turns.add(draw.say("{who} is {age} years old and has {hair} hair. {she} is a(n) {job} who {works}. {she} lives near the "
                + "{place}, which is "
                        + "{looks}. At home {she} keeps a(n) {pet} that {deed}.",
                "who", who.name(), "age", age, "hair", hair, "she", who.she(), "job", job.name(), "works", job.works(),
                "place", place.name(), "looks", place.looks(), "pet", pet.name(), "deed", pet.deed()));
        if (draw.chance(0.5)) {
            turns.add(draw.say("[What does {she} need for {hers} work?|What does a(n) {job} need?]", "she", who.she(), "hers",
                    who.hers(),
                    "job", job.name()));
            turns.add(draw.say("A(n) {job} like {who} needs {needs}.", "job", job.name(), "who", who.name(), "needs",
                    job.needs()));
        }
        return turns;
    }

    private static List<String> contest(Draw draw) {
        List<Person> p = draw.some(3, Lexicon.PEOPLE);
        String verb = draw.one("ran", "swam", "rowed", "jumped", "climbed");
        String unit = verb.equals("jumped") ? "feet" : "miles";
        List<Integer> marks = draw.some(3, java.util.stream.IntStream.rangeClosed(2, 30).boxed().toList());
        int best = marks.indexOf(marks.stream().max(Integer::compare).orElseThrow());
        int least = marks.indexOf(marks.stream().min(Integer::compare).orElseThrow());
        String facts = draw.say("{a} {did} {x} {unit}, {b} {did} {y} {unit} and {c} {did} {z} {unit}. ", "a", p.get(0).name(),
                "b", p.get(1).name(), "c", p.get(2).name(), "did", verb, "unit", unit, "x", marks.get(0), "y", marks.get(1),
                "z", marks.get(2));
        List<String> turns = new ArrayList<>();
        turns.add(facts + draw.say("Who {did} the [most|longest way]?", "did", verb));
        turns.add(draw.say("{who} {did} the most, with {x} {unit}. {other} {did} the least, with {y} {unit}.", "who",
                p.get(best).name(), "other", p.get(least).name(), "did", verb, "unit", unit, "x", marks.get(best),
                "y", marks.get(least)));
        if (draw.chance(0.6)) {
            turns.add("What is the difference?");
            turns.add(draw.say("The difference is {x} - {y} = {d} {unit}.", "x", marks.get(best), "y", marks.get(least),
                    "d", marks.get(best) - marks.get(least), "unit", unit));
        }
        return turns;
    }
}
