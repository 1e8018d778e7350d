package dev.aerie.quickstart;

import dev.aerie.quickstart.Lexicon.Animal;
import dev.aerie.quickstart.Lexicon.Job;
import dev.aerie.quickstart.Lexicon.Person;
import dev.aerie.quickstart.Lexicon.Place;
import dev.aerie.quickstart.Lexicon.Thing;
import java.util.ArrayList;
import java.util.List;

/** Short stories about a requested subject, and questions about a story that the user tells. */
final class Stories {

    static final List<Topic> TOPICS = List.of(Stories::lost, Stories::friendship, Stories::storm, Stories::gift, Stories::retold);

    private Stories() {}

    private static String request(Draw draw, String about, Object... slots) {
        String request = draw.say("[Tell me|Write|Please tell me|Can you write] a [short story|little story|story] "
                + "about " + about, slots);
        return request + (request.startsWith("Can") ? "?" : ".");
    }

    private static List<String> lost(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        Job job = draw.one(Lexicon.JOBS);
        Thing thing = draw.one(Lexicon.THINGS);
        Place place = draw.one(Lexicon.PLACES);
        List<String> turns = new ArrayList<>();
        String about = draw.one(
                who.name() + ", a " + job.name() + " who loses a(n) " + thing.name() + " at the " + place.name(),
                "a " + job.name() + " called " + who.name() + ", the " + place.name() + " and a lost " + thing.name());
        turns.add(request(draw, about));
        turns.add(draw.say("{who} was a(n) {job} who {works}. One [morning|evening] {she} went to the {place}, which was "
                + "{looks}. "
                        + "[On the way home|When it was time to go] {she} saw that {hers} {thing} was gone. {she} looked "
                        + "everywhere, but "
                        + "{she} heard only {heard}. Then [a child|an old woman|a stranger] came and gave {her} the {thing}. "
                        + "\"Without it I cannot {use},\" said {who} and [smiled|laughed].",
                "who", who.name(), "she", who.she(), "her", who.her(), "hers", who.hers(), "job", job.name(), "works",
                job.works(),
                "place", place.name(), "looks", place.looks(), "thing", thing.name(), "heard", place.heard(), "use",
                thing.use()));
        if (draw.chance(0.5)) {
            turns.add(draw.say("[What did {she} lose?|What was lost?]", "she", who.she()));
            turns.add(draw.say("{who} lost {hers} {thing} at the {place}, but {she} got it back.", "who", who.name(),
                    "hers", who.hers(), "thing", thing.name(), "place", place.name(), "she", who.she()));
        }
        return turns;
    }

    private static List<String> friendship(Draw draw) {
        List<Animal> two = draw.some(2, Lexicon.ANIMALS);
        Animal a = two.get(0);
        Animal b = two.get(1);
        String season = draw.one(Lexicon.SEASONS);
        List<String> turns = new ArrayList<>();
        turns.add(request(draw, "a(n) " + a.name() + " and a(n) " + b.name() + " in " + season));
        turns.add(draw.say("In {season} a(n) {a} met a(n) {b}. The {a} was {la}, and the {b} was {lb}. \"I live in the {ha} and "
                + "eat "
                        + "{fa},\" said the {a}. \"I live in the {hb} and eat {fb},\" said the {b}. They [could not agree|did "
                        + "not understand each other] "
                        + "at first. But one night [the rain came|the wind blew hard|it grew very cold], and the {a} "
                        + "[shared its home with the {b}|made room for the {b}]. Since then they have been friends.",
                "season", season, "a", a.name(), "b", b.name(), "la", a.looks(), "lb", b.looks(), "ha", a.home(), "hb", b.home(),
                "fa", a.food(), "fb", b.food()));
        if (draw.chance(0.5)) {
            turns.add(draw.say("[Where does the {b} live?|What does the {b} eat?]", "b", b.name()));
            boolean where = turns.get(2).startsWith("Where");
            turns.add(where ? draw.say("The {b} lives in the {hb}.", "b", b.name(), "hb", b.home())
                    : draw.say("The {b} eats {fb}.", "b", b.name(), "fb", b.food()));
        }
        return turns;
    }

    private static List<String> storm(Draw draw) {
        List<Person> two = draw.some(2, Lexicon.PEOPLE);
        Person a = two.get(0);
        Person b = two.get(1);
        Place place = draw.one(Lexicon.PLACES);
        List<Thing> things = draw.some(2, Lexicon.THINGS);
        List<String> turns = new ArrayList<>();
        turns.add(request(draw, "{a} and {b}, who wait out a storm at the {place} with only a(n) {x} and a(n) {y}",
                "a", a.name(), "b", b.name(), "place", place.name(), "x", things.get(0).name(), "y", things.get(1).name()));
        turns.add(draw.say("The storm came from the [sea|north|mountains] when {a} and {b} reached the {place}. They had only "
                + "a(n) {x} and "
                        + "a(n) {y}. \"With the {x} we can {ux},\" said {a}. \"And with the {y} we can {uy},\" answered {b}. "
                        + "All night they heard the thunder. In the morning the {place} was {looks} again, and {a} and {b} went "
                        + "home "
                        + "[together|without a word|singing].",
                "a", a.name(), "b", b.name(), "place", place.name(), "x", things.get(0).name(), "y", things.get(1).name(),
                "ux", things.get(0).use(), "uy", things.get(1).use(), "looks", place.looks()));
        return turns;
    }

    private static List<String> gift(Draw draw) {
        List<Person> two = draw.some(2, Lexicon.PEOPLE);
        Person a = two.get(0);
        Person b = two.get(1);
        Thing thing = draw.one(Lexicon.THINGS);
        String colour = draw.one(Lexicon.COLOURS);
        Job job = draw.one(Lexicon.JOBS);
        List<String> turns = new ArrayList<>();
        turns.add(request(draw, "a(n) {colour} {thing} that {a} gives to {b}, the {job}", "colour", colour,
                "thing", thing.name(), "a", a.name(), "b", b.name(), "job", job.name()));
        turns.add(draw.say("{b} was a(n) {job} and always needed {needs}. {hers} [birthday|wedding] was near, but {a} had no "
                + "money. So {a} "
                        + "made a(n) {colour} {thing} from {matter}. It was {looks}. When {b} opened the box, {she} "
                        + "[was silent for a while|could not speak|laughed with joy]. \"Now I can {use},\" said {b}. "
                        + "And {a} knew that the work had been worth it.",
                "a", a.name(), "b", b.name(), "job", job.name(), "needs", job.needs(), "hers", b.hers(), "she", b.she(),
                "colour", colour, "thing", thing.name(), "matter", thing.matter(), "looks", thing.looks(), "use", thing.use()));
        if (draw.chance(0.5)) {
            turns.add(draw.say("[What was it made of?|What colour was it?]"));
            boolean matter = turns.get(2).contains("made");
            turns.add(matter ? draw.say("The {thing} was made of {matter}.", "thing", thing.name(), "matter", thing.matter())
                    : draw.say("The {thing} was {colour}.", "thing", thing.name(), "colour", colour));
        }
        return turns;
    }

    private static List<String> retold(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        Place place = draw.one(Lexicon.PLACES);
        Animal animal = draw.one(Lexicon.ANIMALS);
        Thing food = draw.one(Lexicon.FOODS);
        int n = draw.number(3, 9);
        String day = draw.one(Lexicon.DAYS);
        String story = draw.say("On {day} {who} walked to the {place} with {n} {food}. There {she} met a(n) {animal}. {who} "
                + "gave it one of the {food} "
                        + "and went home. ", "day", day, "who", who.name(), "place", place.name(), "n", n, "food", food.plural(),
                "she", who.she(), "animal", animal.name());
        List<String> turns = new ArrayList<>();
        turns.add(story + draw.say("[Who met the {animal}, and where?|Whom did {who} meet, and where?]", "animal", animal.name(),
                "who", who.name()));
        turns.add(draw.say("{who} met the {animal} at the {place} on {day}.", "who", who.name(), "animal", animal.name(),
                "place", place.name(), "day", day));
        turns.add(draw.say("How many {food} did {she} bring home?", "food", food.plural(), "she", who.she()));
        turns.add(draw.say("{she} had {n} {food} and gave one away. {n} - 1 = {m}, so {she} brought {m} {food} home.", "n", n,
                "m", n - 1,
                "food", food.plural(), "she", who.she()));
        return turns;
    }
}
