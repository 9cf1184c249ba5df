import fc from "fast-check";

// In CI the same cases every time, so that a change is judged by itself;
// elsewhere new ones, which find what nobody thought of.
if (process.env.CI) fc.configureGlobal({ seed: 20_260_101 });
