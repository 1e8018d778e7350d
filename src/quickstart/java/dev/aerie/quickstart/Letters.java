package dev.aerie.quickstart;

import dev.aerie.quickstart.Lexicon.Person;
import dev.aerie.quickstart.Lexicon.Place;
import dev.aerie.quickstart.Lexicon.Thing;
import java.util.ArrayList;
import java.util.List;

/** Notes, invitations and offers. */
final class Letters {

    static final List<Topic> TOPICS = List.of(Letters::thanks, Letters::invitation, Letters::offer, Letters::excuse);

    private Letters() {}

    private static List<String> thanks(Draw draw) {
        List<Person> two = draw.some(2, Lexicon.PEOPLE);
        Thing thing = draw.one(Lexicon.THINGS);
        String colour = draw.one(Lexicon.COLOURS);
        Object[] slots = {"a", two.get(0).name(), "b", two.get(1).name(), "thing", thing.name(), "colour", colour, "use",
                thing.use(),
            "looks", thing.looks()};
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[Write a note from {a} to {b} with thanks for the {colour} {thing}.|{a} wants to thank {b} for a(n) "
                + "{colour} {thing}. Write the "
                + "note.]", slots));
        turns.add(draw.say("Dear {b},\nthank you for the {colour} {thing}. It is {looks}, and now I can {use}. I think of you "
                + "whenever I see it.\n"
                + "Your {a}", slots));
        if (draw.chance(0.4)) {
            turns.add(draw.say("[Now write the answer of {b}.|What could {b} answer?]", slots));
            turns.add(draw.say("Dear {a},\nI am glad that you like the {thing}. I knew that you wanted to {use}.\nYour {b}",
                    slots));
        }
        return turns;
    }

    private static List<String> invitation(Draw draw) {
        List<Person> two = draw.some(2, Lexicon.PEOPLE);
        Place place = draw.one(Lexicon.PLACES);
        Thing bring = draw.one(Lexicon.FOODS);
        String day = draw.one(Lexicon.DAYS);
        int hour = draw.number(2, 9);
        String event = draw.one("birthday", "picnic", "dance", "concert", "dinner", "wedding");
        Object[] slots = {"a", two.get(0).name(), "b", two.get(1).name(), "place", place.name(), "bring", bring.plural(), "day",
                day, "h",
            hour, "event", event, "looks", place.looks(), "done", place.done()};
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[Write an invitation|Please write an invitation|I need an invitation] from {a} to {b}: {event}, "
                + "{day}, {h} o'clock, at the {place}. {b} brings "
                + "{bring}.", slots));
        turns.add(draw.say("Dear {b},\nI invite you to a(n) {event} on {day} at {h} o'clock. We meet at the {place}, which is "
                + "{looks}. Before we eat "
                + "we can {done}. Please bring some {bring}.\nYour {a}", slots));
        if (draw.chance(0.5)) {
            turns.add(draw.say("[When is it, and what does {b} bring?|What must {b} remember?]", slots));
            turns.add(draw.say("The {event} is on {day} at {h} o'clock, and {b} brings {bring}.", slots));
        }
        return turns;
    }

    private static List<String> offer(Draw draw) {
        Person who = draw.one(Lexicon.PEOPLE);
        Thing thing = draw.one(Lexicon.THINGS);
        Place place = draw.one(Lexicon.PLACES);
        String colour = draw.one(Lexicon.COLOURS);
        int price = draw.number(3, 60);
        Object[] slots = {"who", who.name(), "thing", thing.name(), "place", place.name(), "colour", colour, "p", price, "use",
                thing.use(),
            "matter", thing.matter(), "looks", thing.looks(), "low", Math.max(1, price - 2), "she", who.she()};
        List<String> turns = new ArrayList<>();
        turns.add(draw.say("[{who} sells a(n) {colour} {thing} for {p} coins at the {place}. Write a notice.|Write a notice: "
                + "{who}, {colour} {thing}, {p} coins, "
                + "at the {place}.]", slots));
        turns.add(draw.say("For sale: a(n) {colour} {thing}, {looks}, made of {matter}. With it you can {use}. It costs {p} "
                + "coins. Ask for {who} at the {place}.",
                slots));
        if (draw.chance(0.5)) {
            turns.add(draw.say("Somebody offers 2 coins less. What does {she} get?", slots));
            turns.add(draw.say("Then {who} gets {p} - 2 = {low} coins for the {thing}.", slots));
        }
        return turns;
    }

    private static List<String> excuse(Draw draw) {
        List<Person> two = draw.some(2, Lexicon.PEOPLE);
        Place place = draw.one(Lexicon.PLACES);
        String day = draw.one(Lexicon.DAYS);
        String other = draw.one(Lexicon.DAYS.stream().filter(d -> !d.equals(day)).toList());
        String why = draw.one("the bus is broken", "the child is ill", "the road is under water", "there is too much work",
                "guests have come",
                "the horse is lame");
        Object[] slots = {"a", two.get(0).name(), "b", two.get(1).name(), "place", place.name(), "day", day, "other", other,
                "why", why,
            "done", place.done()};
        return List.of(
                draw.say("[{a} cannot meet {b} at the {place} on {day}, because {why}. Write a message and offer {other}.|Write "
                        + "to {b} from {a}: {why}, not "
                        + "{day}, better {other}, at the {place}.]", slots),
                draw.say("Dear {b},\nI am sorry, but I cannot come to the {place} on {day}, because {why}. Can we meet on "
                        + "{other} instead? Then we can {done} "
                        + "together.\nYour {a}", slots));
    }
}
