/** What `require("simple-statistics")` gives: all of it. */
export * from "simple-statistics";
